// A token for the form of an operation. It is asked for with the first key of the namespace, when it is first needed.

import { admin, here, Refusal } from '../parts/control.js';

/** The user who signs in: the one of the contract's own examples, unless another is typed. */
export const user = { email: '', id: '', key: '' };

let kept = '';
/** The user and the key that the kept token is for. */
let keptFor = '';

/**
 * Fills in the user of the examples of `get_jwt` and the first key of the namespace.
 *
 * @param {import('./contract.js').Operation[]} operations
 */
export async function prepare(operations) {
  const found = operations.find(({ id }) => id === 'get_jwt');
  const example = (/** @type {string} */ name) => found?.parameters.find((one) => one.name === name)?.example ?? '';
  user.email ||= example('email');
  user.id ||= example('third_party_internal_id');
  user.key ||= await firstKey();
}

/** The first API key of the namespace. The state begins with its keys, so that only its beginning is read. */
async function firstKey() {
  const stop = new AbortController();
  /** @type {Record<string, string>} */
  const headers = admin.token === null ? {} : { 'x-mock-admin-token': admin.token };
  const answer = await fetch(`${here.control}/state`, { headers, signal: stop.signal });
  if (!answer.ok || answer.body === null) return '';
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  let key = null;
  for (let chunk = await reader.read(); !chunk.done && key === null; chunk = await reader.read()) {
    text += chunk.value;
    key = /"key":("(?:[^"\\]|\\.)*")/.exec(text);
  }
  stop.abort();
  return key === null ? '' : JSON.parse(key[1]);
}

/**
 * A token of the user. The same one is given until it is forgotten, or another user is typed.
 *
 * @param {string} base the address of the API
 */
export async function token(base) {
  const wanted = JSON.stringify(user);
  if (kept !== '' && keptFor === wanted) return kept;
  const query = new URLSearchParams({ email: user.email, third_party_internal_id: user.id });
  const answer = await fetch(`${base}/jwt?${query}`, { headers: { 'heidi-api-key': user.key } });
  const told = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refusal(answer.status, `the sign-in was answered with ${answer.status}`, 'See the fields under Sign-in, and the faults of this namespace.');
  [kept, keptFor] = [told.token, wanted];
  return kept;
}

/** Forgets the token, such as one that was refused. */
export function forget() {
  kept = '';
}

/** The token at hand, or ''. */
export function keptToken() {
  return kept;
}
