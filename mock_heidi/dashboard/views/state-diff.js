// The differences of two states, kind by kind.

import { diffView } from '../parts/diff.js';
import { h } from '../parts/dom.js';
import { count, plain, withCommas } from '../parts/format.js';
import { address } from '../parts/route.js';
import { isKind, KINDS } from './state-kinds.js';

/** @typedef {{ id: string, fields: Record<string, { before: unknown, after: unknown } | string> }} Change */
/** @typedef {{ added: string[], removed: string[], changed: Change[], omitted: number }} KindDifference */

// The most records of a kind that are shown at once.
const MANY = 100;

/**
 * The differences as the control API gives them.
 *
 * @param {Record<string, KindDifference>} found
 * @returns {HTMLElement[]}
 */
export function differences(found) {
  const kinds = Object.entries(found);
  if (kinds.length === 0) return [h('p', { class: 'soft' }, 'No differences: all records are equal.')];
  return kinds.map(([kind, difference]) => ofKind(kind, difference));
}

/**
 * @param {string} kind
 * @param {KindDifference} difference
 */
function ofKind(kind, { added, removed, changed, omitted }) {
  const rows = [
    ...changed.map((change) => () => changedRecord(kind, change)),
    ...added.map((id) => () => h('p', {}, badge('added', 'good'), ' ', link(kind, id))),
    ...removed.map((id) => () => h('p', {}, badge('removed', 'wrong'), ' ', h('code', {}, plain(id)))),
  ];
  const numbers = [[changed, 'changed'], [added, 'added'], [removed, 'removed']].filter(([list]) => list.length > 0).map(([list, what]) => `${withCommas(list.length)} ${what}`);
  const shown = h('div', { class: 'stack' }, ...rows.slice(0, MANY).map((draw) => draw()));
  const rest = rows.slice(MANY);
  const more = rest.length > 0 && h('button', { type: 'button', click: () => (shown.append(...rest.map((draw) => draw())), more && more.remove()) }, `Show ${count(rest.length, 'more')}`.replace(/s$/, ''));
  const missing = omitted > 0 && h('p', { class: 'soft' }, `The server has left out ${count(omitted, 'more difference')}.`);
  return h('section', { class: 'stack' }, h('h4', {}, `${isKind(kind) ? KINDS[kind].label : kind}: ${numbers.join(', ')}`), shown, more, missing);
}

/**
 * @param {string} kind
 * @param {Change} change
 */
function changedRecord(kind, { id, fields }) {
  /** @type {Record<string, unknown>[]} */
  const [before, after] = [{}, {}];
  for (const [name, pair] of Object.entries(fields)) {
    // A secret has no values, only a sign that it differs.
    [before[name], after[name]] = typeof pair === 'string' ? [pair, `${pair} (another)`] : [pair.before, pair.after];
  }
  return h('div', {}, h('p', {}, badge('changed', 'care'), ' ', link(kind, id)), diffView(before, after));
}

/**
 * @param {string} text
 * @param {string} look
 */
function badge(text, look) {
  return h('span', { class: `badge ${look}` }, text);
}

/**
 * @param {string} kind
 * @param {string} id
 */
function link(kind, id) {
  return isKind(kind) ? h('a', { class: 'mono', href: address(['state', kind, id]) }, plain(id)) : h('code', {}, plain(id));
}
