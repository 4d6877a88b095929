// A field of the builder: its label, its input, its help and, beside it, why its value is refused.

import { h } from '../parts/dom.js';
import { read, written } from './fault-arguments.js';

/** @typedef {import('./fault-arguments.js').Schema} Schema */

/**
 * @typedef {object} Field
 * @property {string} name the field of the rule
 * @property {HTMLElement} element
 * @property {any} value undefined if it is empty; throws SyntaxError if it cannot be read
 * @property {(reason: string, isMissing?: boolean) => void} refuse shows why the value is refused; empty for a good value. A value that is missing is asked for, not marked.
 */

/**
 * @param {string} name
 * @param {Schema} schema
 * @param {{ label?: string, help?: string, example?: string, wide?: boolean, changed: () => void }} options
 * @returns {Field}
 */
export function field(name, schema, { label = name, help = '', example = '', wide = false, changed }) {
  const reason = h('span', { class: 'refusal', id: `why-${name}`, role: 'status' });
  const attributes = { name, id: `field-${name}`, 'aria-describedby': `why-${name}`, input: changed };
  const input = schema.enum
    ? h('select', attributes, h('option', { value: '' }, 'Choose…'), schema.enum.map((word) => h('option', { value: word }, word)))
    : h('input', { ...attributes, type: 'text', autocomplete: 'off', spellcheck: 'false', placeholder: example && `such as ${example}` });
  const element = h(
    'div',
    { class: wide ? 'field wide' : 'field' },
    h('label', { for: `field-${name}` }, label),
    input,
    help && h('span', { class: 'help' }, help),
    reason,
  );
  return {
    name,
    element,
    get value() {
      const text = input.value.trim();
      return text === '' ? undefined : read(text, schema);
    },
    set value(value) {
      input.value = written(value, schema);
    },
    refuse(text, isMissing = false) {
      reason.textContent = text;
      reason.className = isMissing ? 'help' : 'refusal';
      if (text && !isMissing) input.setAttribute('aria-invalid', 'true');
      else input.removeAttribute('aria-invalid');
    },
  };
}

/** A value that a person has not given yet. */
export class Missing extends SyntaxError {}

/**
 * A description without the marks of Markdown.
 *
 * @param {string} text
 */
export function worded(text) {
  return text.replaceAll('`', '');
}
