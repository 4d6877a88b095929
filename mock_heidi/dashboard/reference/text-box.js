// A text in a box that scrolls.

import { h } from '../parts/dom.js';

/**
 * @param {string} label what a screen reader calls it
 * @param {string} text
 */
export function textBox(label, text) {
  return h('pre', { class: 'code', tabindex: '0', role: 'group', 'aria-label': label }, text);
}
