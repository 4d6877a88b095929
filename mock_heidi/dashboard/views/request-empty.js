// What the list says while it is empty.

import { control } from '../parts/control.js';
import { copyBlock } from '../parts/copy.js';
import { h } from '../parts/dom.js';
import { sentence } from '../parts/toast.js';

/** The first request, ready to paste. */
export async function emptyJournal() {
  const { base_url: base, api_keys: keys, ...user } = await control('/access');
  const query = new URLSearchParams({ email: user.email, third_party_internal_id: user.third_party_internal_id });
  const command = `curl '${base}/jwt?${query}' -H 'Heidi-Api-Key: ${keys[0]?.key ?? 'KEY'}'`;
  return h(
    'div',
    { class: 'empty' },
    h('h2', {}, 'No request has come yet.'),
    h('p', {}, 'Point your client at ', h('code', {}, base), ', or paste this into a terminal. It signs in, and the request appears here.'),
    copyBlock(command, 'the first request as curl'),
  );
}

/**
 * A refused filter, and its cure.
 *
 * @param {any} error
 */
export function refused(error) {
  const hint = error.hint ? ` ${sentence(error.hint)}` : '';
  return h('div', { class: 'empty', role: 'alert' }, h('h2', {}, sentence(error.message)), h('p', {}, hint));
}

/** @param {() => void} showAll */
export function nothingFits(showAll) {
  return h(
    'div',
    { class: 'empty' },
    h('h2', {}, 'No request matches the filter.'),
    h('p', {}, 'Requests that match appear here as they come.'),
    h('button', { type: 'button', click: showAll }, 'Show all requests'),
  );
}
