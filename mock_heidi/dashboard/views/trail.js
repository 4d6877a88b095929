// The way up from the page of one record.

import { h } from '../parts/dom.js';

/**
 * @param {string} view
 * @param {string} title
 */
export function trail(view, title) {
  return h('nav', { class: 'trail', 'aria-label': 'Where you are' }, h('a', { href: `#/${view}` }, title));
}
