// What a person pastes into a client, a shell or a file. Each text works as it stands.

/** @typedef {{ base: string, key: string, url: string, namespace: string }} Target */
/** @typedef {{ name: string, label: string, does: string, text: string }} Snippet */

/** The user that the commands and fixtures of mock-heidi sign in. */
export const USER = { email: 'test@heidihealth.com', third_party_internal_id: '123' };

/**
 * The texts for a server and an API key of it.
 *
 * @param {Target} target
 * @returns {Snippet[]}
 */
export function snippets(target) {
  return [
    { name: 'env', label: '.env', does: 'Variables for your client. The command mock-heidi exec sets them too.', text: dotenv(target) },
    { name: 'curl', label: 'curl', does: 'Signs in and lists the patient profiles.', text: curl(target) },
    { name: 'python', label: 'Python', does: 'Signs in and lists the patient profiles, with httpx.', text: python(target) },
    { name: 'javascript', label: 'JavaScript', does: 'Signs in and lists the patient profiles, in a browser or in Node (save it as .mjs).', text: javascript(target) },
  ];
}

/** @param {Target} target */
function dotenv({ base, key }) {
  return `HEIDI_BASE_URL=${shell(base)}\nHEIDI_API_KEY=${shell(key)}\n`;
}

/** @param {Target} target */
function curl({ base, key }) {
  return [
    `BASE=${shell(base)}`,
    `TOKEN=$(curl -s "$BASE/jwt?${query()}" -H ${shell(`Heidi-Api-Key: ${key}`)} | cut -d '"' -f 4)`,
    'curl -s "$BASE/patient-profiles" -H "Authorization: Bearer $TOKEN"',
  ].join('\n');
}

/** @param {Target} target */
function python({ base, key }) {
  return [
    'import httpx',
    '',
    `BASE = ${quoted(base)}`,
    `USER = {"email": ${quoted(USER.email)}, "third_party_internal_id": ${quoted(USER.third_party_internal_id)}}`,
    '',
    `signed_in = httpx.get(f"{BASE}/jwt", params=USER, headers={"Heidi-Api-Key": ${quoted(key)}})`,
    'headers = {"Authorization": f"Bearer {signed_in.json()[\'token\']}"}',
    'print(httpx.get(f"{BASE}/patient-profiles", headers=headers).json())',
  ].join('\n');
}

/** @param {Target} target */
function javascript({ base, key }) {
  return [
    `const base = ${quoted(base)};`,
    `const signedIn = await fetch(\`\${base}/jwt?${query()}\`, { headers: { "Heidi-Api-Key": ${quoted(key)} } });`,
    'const { token } = await signedIn.json();',
    'const answer = await fetch(`${base}/patient-profiles`, { headers: { Authorization: `Bearer ${token}` } });',
    'console.log(await answer.json());',
  ].join('\n');
}

/**
 * The command by which a shell gets the variables of the proxy of this server.
 *
 * @param {Target} target
 */
export function proxyCommand({ url, namespace }) {
  const name = namespace === 'default' ? '' : ` --namespace ${shell(namespace)}`;
  return `eval "$(mock-heidi env --proxy --url ${shell(url)}${name})"`;
}

/**
 * A Python test that leads the hosts of the real service to this server.
 *
 * @param {Target} target
 * @param {string} host a host of the real service
 */
export function asVendor({ url, namespace, key }, host) {
  return [
    'import httpx',
    '',
    'from mock_heidi import Handle',
    '',
    `heidi = Handle(${quoted(url)}, ${quoted(namespace)}, ${quoted(key)})`,
    'with heidi.as_vendor():  # the client with the fixed host',
    `    url = "${'https:'}//${host}/api/v2/ml-scribe/open-api/patient-profiles"`,
    '    answer = httpx.get(url, headers=heidi.headers())',
    'print(answer.json())',
  ].join('\n');
}

function query() {
  return new URLSearchParams(USER).toString();
}

/**
 * A text as a shell and a .env file read it.
 *
 * @param {string} text
 */
export function shell(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * A text as Python and JavaScript read it.
 *
 * @param {string} text
 */
function quoted(text) {
  return JSON.stringify(text);
}
