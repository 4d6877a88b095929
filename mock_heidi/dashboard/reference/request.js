// A request as the form of an operation describes it, and the same request in other languages.

/**
 * @typedef {object} Given
 * @property {string} method
 * @property {string} url
 * @property {[string, string][]} headers
 * @property {string | null} text the body as text
 * @property {[string, string | File][] | null} parts the parts of a form
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
  const lines = [method === 'GET' ? `curl ${quoted(url)}` : `curl -X ${method} ${quoted(url)}`];
  for (const [name, value] of headers) lines.push(`-H ${quoted(`${name}: ${value}`)}`);
  for (const [name, value] of parts ?? []) lines.push(`-F ${quoted(`${name}=${typeof value === 'string' ? value : `@${value.name}`}`)}`);
  if (text !== null) lines.push(`--data ${quoted(text)}`);
  return lines.join(' \\\n  ');
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
  const args = [JSON.stringify(url)];
  if (headers.length > 0) args.push(`headers={${headers.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`).join(', ')}}`);
  const [files, data] = [onlyFiles(parts), onlyTexts(parts)];
  if (data.length > 0) args.push(`data={${data.map(([name, value]) => `${JSON.stringify(name)}: ${JSON.stringify(value)}`).join(', ')}}`);
  if (files.length > 0) args.push(`files=[${files.map(([name, file]) => `(${JSON.stringify(name)}, open(${JSON.stringify(file.name)}, "rb"))`).join(', ')}]`);
  if (text !== null) args.push(`content=${JSON.stringify(text)}`);
  const call = `httpx.request(\n    "${method}",\n    ${args.join(',\n    ')},\n)`;
  return `import httpx\n\nanswer = ${call}\nprint(answer.status_code, answer.text)`;
}

/** @param {Given} given */
export function javascript({ method, url, headers, text, parts }) {
  const options = [`method: ${JSON.stringify(method)}`];
  if (headers.length > 0) options.push(`headers: ${JSON.stringify(Object.fromEntries(headers))}`);
  if (text !== null) options.push(`body: ${JSON.stringify(text)}`);
  const lines = (parts ?? []).map(([name, value]) => `form.append(${JSON.stringify(name)}, ${typeof value === 'string' ? JSON.stringify(value) : `file /* ${value.name} */`});`);
  if (parts !== null) options.push('body: form');
  const before = parts === null ? '' : `const form = new FormData();\n${lines.join('\n')}\n`;
  return `${before}const answer = await fetch(${JSON.stringify(url)}, {\n  ${options.join(',\n  ')},\n});\nconsole.log(answer.status, await answer.text());`;
}

/**
 * @param {Given['parts']} parts
 * @returns {[string, File][]}
 */
function onlyFiles(parts) {
  return /** @type {[string, File][]} */ ((parts ?? []).filter(([, value]) => typeof value !== 'string'));
}

/** @param {Given['parts']} parts */
function onlyTexts(parts) {
  return (parts ?? []).filter(([, value]) => typeof value === 'string');
}
