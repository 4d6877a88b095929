// The input of one parameter.

import { h } from '../parts/dom.js';
import { resolve } from './contract.js';
import { idsFor } from './sign-in.js';

let lists = 0;

/**
 * The input of a parameter, with its example if the parameter is required.
 *
 * @param {any} whole
 * @param {any} parameter
 */
export function parameterInput(whole, parameter) {
  const schema = resolve(whole, parameter.schema);
  const words = schema.enum ?? (schema.type === 'boolean' ? ['true', 'false'] : null);
  const input = words === null ? textInput(parameter, schema) : choice(parameter, words);
  const label = h('span', {}, parameter.name, parameter.required ? '' : ' (optional)');
  const element = h('label', { class: 'field' }, label, input);
  if (words === null) offerIds(parameter, /** @type {HTMLInputElement} */ (input), element);
  return { parameter, element, value: () => input.value };
}

/**
 * @param {any} parameter
 * @param {any} schema
 */
function textInput(parameter, schema) {
  const example = parameter.example ?? schema.examples?.[0] ?? '';
  return h('input', {
    value: parameter.required ? example : '',
    placeholder: parameter.required ? '' : (schema.default ?? ''),
    required: Boolean(parameter.required) && parameter.in === 'path',
    autocomplete: 'off',
    spellcheck: 'false',
  });
}

/**
 * @param {any} parameter
 * @param {any[]} words
 */
function choice(parameter, words) {
  const options = words.map((word) => h('option', {}, String(word)));
  if (!parameter.required) options.unshift(h('option', { value: '' }, 'not sent'));
  return h('select', {}, ...options);
}

/**
 * Offers the ids of the namespace. Without an example, the first one stands in the input.
 *
 * @param {any} parameter
 * @param {HTMLInputElement} input
 * @param {HTMLElement} element
 */
async function offerIds(parameter, input, element) {
  const ids = await idsFor(parameter.name);
  if (ids.length === 0) return;
  const list = h('datalist', { id: `ids-${++lists}` }, ...ids.map((id) => h('option', { value: id })));
  input.setAttribute('list', list.id);
  element.append(list);
  if (parameter.required && !ids.includes(input.value)) {
    input.value = ids[0];
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }
}
