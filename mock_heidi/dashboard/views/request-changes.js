// What a request changed in the state: each record, field by field.

import { diffView } from '../parts/diff.js';
import { h } from '../parts/dom.js';
import { count, plain } from '../parts/format.js';
import { address } from '../parts/route.js';

/** @type {Record<string, [string, string | null]>} The word for a record of a kind, and the view that shows it. */
const KINDS = {
  patient_profiles: ['Patient profile', 'patients'],
  sessions: ['Session', 'sessions'],
  users: ['User', null],
};

/** @param {{ changes: any[], omitted: number }} told */
export function changesOf({ changes, omitted }) {
  if (changes.length === 0) return null;
  const more = omitted > 0 && h('p', { class: 'soft' }, `${count(omitted, 'further change')} not kept.`);
  return h('section', { class: 'panel changes' }, h('h3', {}, 'Changes of the state'), ...changes.map(changeOf), more);
}

/** @param {{ kind: string, id: string, before: any, after: any }} change */
function changeOf({ kind, id, before, after }) {
  const [word, view] = KINDS[kind] ?? [kind, null];
  const name = view === null || after === null ? h('span', {}, plain(id)) : h('a', { href: address([view, id]) }, plain(id));
  const done = before === null ? 'was created' : after === null ? 'was removed' : 'was changed';
  return h('div', { class: 'change' }, h('p', {}, `${word} `, name, ` ${done}`), diffView(before, after));
}
