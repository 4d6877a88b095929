// Fields of records: their inputs, and their values as text.

import { h } from './dom.js';
import { sentence } from './toast.js';

/** @typedef {import('./control.js').Refusal} Refusal */

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} label
 * @property {'text' | 'area' | 'date' | 'number' | 'choice' | 'json'} [kind]
 * @property {(string | boolean)[]} [choices]
 * @property {string} [hint]
 * @property {boolean} [wide]
 */

/** @typedef {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement} Input */

/**
 * The input of a field.
 *
 * @param {Field} field
 * @returns {Input}
 */
export function entry({ name, kind, choices = [] }) {
  if (kind === 'choice') {
    return h('select', { name }, h('option', { value: '' }, 'Not given'), ...choices.map((choice) => h('option', { value: String(choice) }, String(choice))));
  }
  if (kind === 'area') return h('textarea', { name });
  if (kind === 'json') return h('textarea', { name, class: 'mono', spellcheck: 'false' });
  const placeholder = kind === 'date' && 'YYYY-MM-DD';
  return h('input', { name, type: 'text', placeholder, autocomplete: 'off', spellcheck: 'false', inputmode: kind === 'number' && 'decimal' });
}

/**
 * A value as the text of its field.
 *
 * @param {Field} field
 * @param {any} given
 * @returns {string}
 */
export function shown({ kind }, given) {
  if (given === null || given === undefined) return '';
  return kind === 'json' ? JSON.stringify(given, null, 2) : String(given);
}

/**
 * The value of a field's text. An empty text is null.
 *
 * @param {Field} field
 * @param {string} text
 */
export function value({ kind }, text) {
  if (text === '') return null;
  if (kind === 'number') return Number.isFinite(Number(text)) ? Number(text) : text;
  if (kind === 'choice' && (text === 'true' || text === 'false')) return text === 'true';
  if (kind !== 'json') return text;
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`This is not JSON: ${/** @type {Error} */ (error).message}`);
  }
}

/**
 * The problems of a refusal by field: `patient_profiles[0].birth_date: …` belongs to the field `birth_date`.
 *
 * @param {Refusal} refusal
 * @param {Field[]} fields
 */
export function located({ problems, message }, fields) {
  /** @type {Map<string, string>} */
  const places = new Map();
  for (const problem of problems.length > 0 ? problems : [message]) {
    const [, name, text] = /^(?:\w+\[\d+\]\.)?(\w+)[^:]*: ([^]*)$/.exec(problem) ?? [];
    if (fields.some((field) => field.name === name)) places.set(name, sentence(text));
  }
  return places;
}
