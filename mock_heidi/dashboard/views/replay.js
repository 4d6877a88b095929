// Sends a journaled request again, through the API of this namespace.

import { control, here } from '../parts/control.js';
import { toast } from '../parts/toast.js';
import { isForm } from './request-exchange.js';

/** @typedef {import('./request.js').Request} Request */

// A browser sets these itself, or they belong to the connection.
const BROWSER = new Set(
  'accept-encoding connection content-length cookie forwarded host origin referer transfer-encoding user-agent'.split(' '),
);
// The longest wait in ms for an answer that never ends.
const PATIENCE = 60_000;
// The time in ms for which a token is used again.
const LASTS = 60_000;

/**
 * Sends a request again, and returns the id of the new one.
 *
 * @param {Request} row
 * @param {AbortSignal} signal
 * @returns {Promise<number>}
 */
export async function replay(row, signal) {
  const { body } = await control(`/requests/${row.id}?full=true`, { signal });
  const problem = obstacle(row, body);
  if (problem !== null) throw new Error(problem);
  const headers = await headersOf(row);
  const query = new URLSearchParams(row.query).toString();
  const url = prefix() + below(row.path) + (query && `?${query}`);
  const text = body === null ? undefined : typeof body === 'string' ? body : JSON.stringify(body);
  const newest = await newestId();
  try {
    const until = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]);
    const answer = await fetch(url, { method: row.method, headers, body: text, cache: 'no-store', signal: until });
    await answer.text();
    toast(`Sent again: ${answer.status}${headers.has('authorization') ? ', with a new token of the test user' : ''}`);
    return Number(answer.headers.get('x-mock-request-id'));
  } catch {
    if (signal.aborted) throw new Error('The page was left.');
    const id = await newestId();
    if (id === newest) throw new Error('The request did not reach the server.');
    toast('Sent again. The connection ended before the whole answer came.');
    return id;
  }
}

/**
 * Why a request cannot be sent again from here; null if it can.
 *
 * @param {Request} row
 * @param {any} body
 */
function obstacle(row, body) {
  const hint = 'Copy it as curl and fill in what is missing.';
  if (isForm(body)) return `The journal does not keep the files of a form. ${hint}`;
  const written = JSON.stringify([body, row.query, row.path]) ?? '';
  if (/\*\*\*|<\d+ (characters|bytes)>/.test(written)) return `The journal hides a part of this request. ${hint}`;
  if (['GET', 'HEAD'].includes(row.method) && body !== null) return `A browser sends no body with ${row.method}. ${hint}`;
  if (['TRACE', 'CONNECT', 'OPTIONS'].includes(row.method)) return `A page cannot send ${row.method}. ${hint}`;
  return null;
}

/**
 * The headers of the request, with a fresh token and a key of this namespace in place of the hidden ones.
 *
 * @param {Request} row
 */
async function headersOf(row) {
  const headers = new Headers();
  for (const [name, value] of Object.entries(row.headers)) {
    if (BROWSER.has(name) || name.startsWith('sec-')) continue;
    if (name === 'authorization') headers.set(name, `Bearer ${await signIn()}`);
    else if (name === 'heidi-api-key') headers.set(name, await apiKey());
    else if (!/\*\*\*|^<\d+ characters>$/.test(value)) headers.set(name, value);
  }
  return headers;
}

/** The bearer token that was made last. @type {{ token: string, until: number } | null} */
let kept = null;

/** A bearer token of this namespace, as `mock-heidi token` prints it. */
async function signIn() {
  if (kept !== null && kept.until > Date.now()) return kept.token;
  const { base_url: base, email, third_party_internal_id: id } = await control('/access');
  const url = `${prefix()}${below(new URL(base).pathname)}/jwt?${new URLSearchParams({ email, third_party_internal_id: id })}`;
  const answer = await fetch(url, { headers: { 'heidi-api-key': await apiKey() } });
  const { token } = await answer.json();
  if (!answer.ok || typeof token !== 'string') throw new Error(`The sign-in was answered with ${answer.status}.`);
  kept = { token, until: Date.now() + LASTS };
  return token;
}

/** An API key of this namespace. */
async function apiKey() {
  const { api_keys: keys } = await control('/access');
  if (keys.length === 0) throw new Error('The namespace has no API key. Add one to its fixtures.');
  return keys[0].key;
}

async function newestId() {
  const { requests } = await control('/requests?view=headlines&limit=1');
  return requests.length > 0 ? requests[0].id : 0;
}

/** The address of the namespace on this server. */
function prefix() {
  return here.server + here.control.slice(here.root.length).replace(/\/_mock$/, '');
}

/**
 * A path without the namespace. A client whose key names the namespace has none in its path.
 *
 * @param {string} path
 */
function below(path) {
  const named = `/ns/${encodeURIComponent(here.namespace)}/`;
  return path.startsWith(named) ? path.slice(named.length - 1) : path;
}
