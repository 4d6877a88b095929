// The difference between two records, field by field.

import { h } from './dom.js';
import { plain } from './format.js';

/** @typedef {{ name: string, before: unknown, after: unknown }} Change */

/**
 * The fields that differ. A field of a nested object has a name with a dot.
 *
 * @param {any} before null for a new record
 * @param {any} after null for a removed record
 * @param {string} prefix
 * @returns {Change[]}
 */
export function changes(before, after, prefix = '') {
  /** @type {Change[]} */
  const found = [];
  for (const name of new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])) {
    const [old, now] = [own(before, name), own(after, name)];
    if (JSON.stringify(old) === JSON.stringify(now)) continue;
    if (isObject(old) && isObject(now)) found.push(...changes(old, now, `${prefix}${name}.`));
    else found.push({ name: prefix + name, before: old, after: now });
  }
  return found;
}

/**
 * The value of a field. What every object inherits, such as `constructor`, is not a field.
 *
 * @param {any} record
 * @param {string} name
 */
export function own(record, name) {
  return Object.hasOwn(record ?? {}, name) ? record[name] : undefined;
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
export function isObject(value) {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * A table of the fields that differ.
 *
 * @param {any} before
 * @param {any} after
 */
export function diffView(before, after) {
  const rows = changes(before, after).map(({ name, before: old, after: now }) =>
    h('tr', {}, h('th', { scope: 'row' }, name), h('td', { class: 'old' }, said(old)), h('td', { class: 'new' }, said(now))),
  );
  const head = h('tr', {}, ...['Field', 'Before', 'After'].map((text) => h('th', { scope: 'col' }, text)));
  return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Changed fields' }, h('table', { class: 'diff' }, h('thead', {}, head), h('tbody', {}, ...rows)));
}

/** @param {unknown} value */
function said(value) {
  if (value === undefined) return '';
  return plain(typeof value === 'string' ? value : JSON.stringify(value));
}
