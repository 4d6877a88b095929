// Node: client.cjs LIBRARY. Each library gives the body of an answer in parts, and throws its own errors.
const https = require('node:https');

const BASE = 'https://registrar.api.heidihealth.com/api/v2/ml-scribe/open-api';
const KEY = 'mock-heidi-key';
const NOTE = {
  generation_method: 'TEMPLATE',
  template_id: '659b8042fe093d6592b41ef7',
  addition: '',
  voice_style: 'BRIEF',
  brain: 'LEFT',
};

async function ofFetch(method, url, headers, body) {
  return (await fetch(url, { method, headers, body })).body;
}

function ofHttps(method, url, headers, body) {
  return new Promise((answered, failed) => {
    https.request(url, { method, headers }, answered).on('error', failed).end(body);
  });
}

function ofAxios(axios) {
  return async (method, url, headers, data) =>
    (await axios.request({ method, url, headers, data, responseType: 'stream' })).data;
}

const LIBRARIES = {
  fetch: () => ofFetch,
  https: () => ofHttps,
  'axios 0': () => ofAxios(require('axios-0')),
  'axios 1': () => ofAxios(require('axios')),
};

async function main(ask) {
  try {
    await ask('GET', 'https://first.invalid/', {});
    throw new Error('first.invalid has answered');
  } catch (error) {
    error.response?.data.resume(); // else old axios keeps the connection
    if (!Object.keys(require.cache).some((path) => path.endsWith('mock_heidi_hook.cjs'))) process.exit(9);
  }

  const user = 'email=a%40b.example&third_party_internal_id=1';
  const { token } = await json(await ask('GET', `${BASE}/jwt?${user}`, { 'Heidi-Api-Key': KEY }));
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const { session_id: session } = await json(await ask('POST', `${BASE}/sessions`, headers, '{}'));
  for (let turn = 0; turn < 2; turn += 1) {
    let text = '';
    let end = '';
    try {
      const parts = await ask('POST', `${BASE}/sessions/${session}/consult-note`, headers, JSON.stringify(NOTE));
      for await (const part of parts) text += Buffer.from(part);
    } catch (error) {
      end = `, ${error.cause?.code ?? error.code ?? error}`;
    }
    console.log(`${text.split('data: ').length - 1} pieces${end}`);
  }
}

async function json(parts) {
  let text = '';
  for await (const part of parts) text += Buffer.from(part);
  return JSON.parse(text);
}

main(LIBRARIES[process.argv[2]]());
