// A token for the form of an operation. It is asked for with the first key of the namespace, when it is first needed.

import { control, Refusal } from '../parts/control.js';

/** The user who signs in. */
export const user = { email: '', id: '', key: '' };

let kept = '';
/** The user and the key that the kept token is for. */
let keptFor = '';

/** Fills in the user and the key that the namespace names. */
export async function prepare() {
  const { email, third_party_internal_id: id, api_keys: keys } = await control('/access');
  Object.assign(user, { email, id, key: keys[0]?.key ?? '' });
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
  if (!answer.ok) {
    const hint = 'See the fields under Sign-in, and the faults of this namespace.';
    throw new Refusal(answer.status, `the sign-in was answered with ${answer.status}`, hint);
  }
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
