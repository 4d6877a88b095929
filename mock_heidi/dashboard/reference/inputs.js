// Inputs with their labels.

import { h } from '../parts/dom.js';

/**
 * An input of a text that the browser neither completes nor corrects.
 *
 * @param {import('../parts/dom.js').Attributes} attributes
 */
export function textInput(attributes) {
  return h('input', { autocomplete: 'off', spellcheck: 'false', ...attributes });
}

/**
 * An input below its label.
 *
 * @param {string} label
 * @param {HTMLElement} input
 * @param {...Node} after
 */
export function labelled(label, input, ...after) {
  return h('label', { class: 'field' }, h('span', {}, label), input, ...after);
}

/**
 * The name of a field as its label says it.
 *
 * @param {string} name
 * @param {boolean} isRequired
 */
export function labelOf(name, isRequired) {
  return isRequired ? name : `${name} (optional)`;
}
