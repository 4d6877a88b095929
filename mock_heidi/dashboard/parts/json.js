// JSON as a person reads it: indented, with colours, parts that fold. The text can be copied as it came.

import { h } from './dom.js';
import { plain } from './format.js';

// Deeper or longer parts begin folded.
const DEEP = 6;
const LONG = 100;

/**
 * A value with its parts.
 *
 * @param {unknown} value
 * @returns {HTMLElement}
 */
export function jsonView(value) {
  return h('div', { class: 'json', tabindex: '0', role: 'group', 'aria-label': 'JSON' }, part(value, 0));
}

/**
 * @param {unknown} value
 * @param {number} depth
 * @param {string | null} [name]
 * @param {boolean} [last]
 * @returns {HTMLElement}
 */
function part(value, depth, name = null, last = true) {
  const before = name === null ? [] : [h('span', { class: 'json-name' }, plain(JSON.stringify(name))), ': '];
  const comma = last ? '' : ',';
  if (value === null || typeof value !== 'object') return h('div', {}, ...before, scalar(value), comma);
  const isList = Array.isArray(value);
  const [open, close] = isList ? ['[', ']'] : ['{', '}'];
  const rows = Object.entries(value);
  if (rows.length === 0) return h('div', {}, ...before, open + close + comma);
  const content = h('div', { class: 'json-parts' });
  const draw = () => {
    if (content.childNodes.length > 0) return;
    content.append(...rows.map(([key, item], at) => part(item, depth + 1, isList ? null : key, at === rows.length - 1)));
  };
  const isOpen = depth < DEEP && (depth === 0 || rows.length <= LONG);
  const folded = h('span', { class: 'json-folded' }, `${rows.length} … ${close}${comma}`);
  const details = h(
    'details',
    { open: isOpen, toggle: draw },
    h('summary', {}, ...before, open, folded),
    content,
    h('div', {}, close + comma),
  );
  if (isOpen) draw();
  return details;
}

/** @param {unknown} value */
function scalar(value) {
  const kind = value === null ? 'null' : typeof value;
  return h('span', { class: `json-${kind}` }, plain(JSON.stringify(value) ?? String(value)));
}

/**
 * A record as JSON that is drawn when a person opens it. `take` replaces the record.
 *
 * @param {string} title
 */
export function foldedJson(title) {
  /** @type {unknown} */
  let record = null;
  const content = h('div', {});
  const draw = () => (element.open ? content.replaceChildren(jsonView(record)) : undefined);
  const element = h('details', { toggle: draw }, h('summary', {}, title), content);
  const take = (/** @type {unknown} */ now) => {
    record = now;
    draw();
  };
  return { element, take };
}
