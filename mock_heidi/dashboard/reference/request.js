// A request as the form of an operation describes it, and the same request as code.

/**
 * @typedef {[string, string | File][]} Parts
 *
 * @typedef {object} Given
 * @property {string} method
 * @property {string} url
 * @property {[string, string][]} headers
 * @property {string | null} text the body as text
 * @property {Parts | null} parts the parts of a form
 */

/**
 * Puts values into a path and a query. An empty value of the query is left out; a value with commas of a list is sent
 * once per item, or joined, as the contract says.
 *
 * @param {string} base
 * @param {string} path
 * @param {{ parameter: any, value: string }[]} values
 */
export function urlOf(base, path, values) {
  const query = new URLSearchParams();
  let filled = path;
  for (const { parameter, value } of values) {
    if (parameter.in === 'path') filled = filled.replace(`{${parameter.name}}`, encodeURIComponent(value));
    if (parameter.in === 'query' && value !== '') addTo(query, parameter, value);
  }
  const text = query.toString();
  return base + filled + (text && `?${text}`);
}

/**
 * @param {URLSearchParams} query
 * @param {any} parameter
 * @param {string} value
 */
function addTo(query, { name, schema, explode }, value) {
  const isRepeated = schema.type === 'array' && explode !== false;
  for (const one of isRepeated ? value.split(',') : [value]) query.append(name, one.trim());
}

/** @param {Given} given */
export function curl({ method, url, headers, text, parts }) {
  const form = (parts ?? []).map(([name, value]) => `${name}=${value instanceof File ? `@${value.name}` : value}`);
  return [
    method === 'GET' ? `curl ${quoted(url)}` : `curl -X ${method} ${quoted(url)}`,
    ...headers.map(([name, value]) => `-H ${quoted(`${name}: ${value}`)}`),
    ...form.map((part) => `-F ${quoted(part)}`),
    ...(text === null ? [] : [`--data ${quoted(text)}`]),
  ].join(' \\\n  ');
}

/**
 * A text as one word of a shell.
 *
 * @param {string} text
 */
function quoted(text) {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** @param {Given} given */
export function python({ method, url, headers, text, parts }) {
  const [texts, files] = apart(parts ?? []);
  const opened = files.map(([name, file]) => `(${literal(name)}, open(${literal(file.name)}, "rb"))`);
  const given = [
    literal(method),
    literal(url),
    ...(headers.length > 0 ? [`headers=${dictionary(headers)}`] : []),
    ...(texts.length > 0 ? [`data=${dictionary(texts)}`] : []),
    ...(opened.length > 0 ? [`files=[${opened.join(', ')}]`] : []),
    ...(text === null ? [] : [`content=${literal(text)}`]),
  ];
  return `import httpx

answer = httpx.request(
    ${given.join(',\n    ')},
)
print(answer.status_code, answer.text)`;
}

/** @param {[string, string][]} pairs */
function dictionary(pairs) {
  return `{${pairs.map(([name, value]) => `${literal(name)}: ${literal(value)}`).join(', ')}}`;
}

/**
 * A text as Python and JavaScript write it.
 *
 * @param {string} text
 */
function literal(text) {
  return JSON.stringify(text);
}

/**
 * The texts and the files of a form.
 *
 * @param {Parts} parts
 * @returns {[[string, string][], [string, File][]]}
 */
function apart(parts) {
  /** @type {[[string, string][], [string, File][]]} */
  const [texts, files] = [[], []];
  for (const [name, value] of parts) {
    if (value instanceof File) files.push([name, value]);
    else texts.push([name, value]);
  }
  return [texts, files];
}

/** @param {Given} given */
export function javascript({ method, url, headers, text, parts }) {
  const said = (/** @type {string | File} */ value) => (value instanceof File ? `file /* ${value.name} */` : literal(value));
  const lines = (parts ?? []).map(([name, value]) => `form.append(${literal(name)}, ${said(value)});\n`);
  const form = parts === null ? '' : `const form = new FormData();\n${lines.join('')}`;
  const options = [
    `method: ${literal(method)}`,
    ...(headers.length > 0 ? [`headers: ${dictionary(headers)}`] : []),
    ...(text === null ? [] : [`body: ${literal(text)}`]),
    ...(parts === null ? [] : ['body: form']),
  ];
  return `${form}const answer = await fetch(${literal(url)}, {
  ${options.join(',\n  ')},
});
console.log(answer.status, await answer.text());`;
}
