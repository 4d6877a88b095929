// The body in the form of an operation: a text with an example, or the parts of a form.

import { fill, h } from '../parts/dom.js';
import { examplesOf, resolve } from './contract.js';
import { labelled, labelOf, textInput } from './inputs.js';
import { sample } from './samples.js';

/** @typedef {{ text: string | null, parts: [string, string | File][] | null }} Content */
/**
 * @typedef {object} BodyForm
 * @property {HTMLElement | null} element
 * @property {() => [string, string][]} headers
 * @property {() => Content} content
 */

/** @type {BodyForm} */
const NO_BODY = { element: null, headers: () => [], content: () => ({ text: null, parts: null }) };

/**
 * The body of an operation, of its first media type that is JSON, else of its first one.
 *
 * @param {import('./contract.js').Operation} operation
 * @returns {BodyForm}
 */
export function bodyForm({ contract, body }) {
  if (body === null) return NO_BODY;
  const types = Object.keys(body.content);
  if (types[0] === 'multipart/form-data') return partsForm(contract.whole, body.content[types[0]]);
  return textForm(contract.whole, body, types);
}

/**
 * @param {any} whole
 * @param {any} body
 * @param {string[]} types
 * @returns {BodyForm}
 */
function textForm(whole, body, types) {
  const area = h('textarea', { class: 'mono', rows: '8', spellcheck: 'false', 'aria-label': 'Body' });
  const type = h('select', { 'aria-label': 'Content type' }, ...types.map((name) => h('option', {}, name)));
  const examples = h('select', { 'aria-label': 'Example' });
  const put = () => {
    const found = examplesOf(whole, body.content[type.value])[examples.selectedIndex];
    area.value = found === undefined ? '' : asText(found.value, type.value);
    area.dispatchEvent(new Event('input', { bubbles: true }));
  };
  const offer = () => {
    const found = examplesOf(whole, body.content[type.value]);
    fill(examples, ...found.map(({ summary }) => h('option', {}, summary)));
    examples.hidden = found.length < 2;
    put();
  };
  type.hidden = types.length < 2;
  type.addEventListener('change', offer);
  examples.addEventListener('change', put);
  offer();
  const label = h('span', {}, labelOf('Body', body.required));
  return {
    element: h('div', { class: 'field' }, label, h('div', { class: 'buttons' }, type, examples), area),
    headers: () => (area.value === '' ? [] : [['Content-Type', type.value]]),
    content: () => ({ text: area.value === '' ? null : area.value, parts: null }),
  };
}

/**
 * An example as it is typed.
 *
 * @param {unknown} value
 * @param {string} type
 */
function asText(value, type) {
  return typeof value === 'string' && type !== 'application/json' ? value : JSON.stringify(value, null, 2);
}

/**
 * @param {any} whole
 * @param {any} media
 * @returns {BodyForm}
 */
function partsForm(whole, media) {
  const schema = resolve(whole, media.schema);
  const example = examplesOf(whole, media)[0]?.value ?? {};
  const required = new Set(schema.required ?? []);
  const rows = Object.entries(schema.properties).map(([name, given]) => {
    const part = resolve(whole, given);
    const isFile = part.format === 'binary' || part.items?.format === 'binary';
    return isFile ? fileRow(name) : partRow(name, example[name], required.has(name));
  });
  return {
    element: h('div', { class: 'parts' }, ...rows.map(({ element }) => element)),
    headers: () => [],
    content: () => ({ text: null, parts: rows.flatMap(({ parts }) => parts()) }),
  };
}

/**
 * A part of the form: its input, and what it sends.
 *
 * @typedef {{ element: HTMLElement, parts: () => [string, string | File][] }} Row
 */

/**
 * @param {string} name
 * @returns {Row}
 */
function fileRow(name) {
  const input = h('input', { type: 'file', multiple: name.endsWith('s') });
  const said = `Without a file, ${sample(name).name} is sent: a sample that this page makes.`;
  const hint = h('span', { class: 'small soft' }, said);
  const parts = () => {
    const files = input.files?.length ? [...input.files] : [sample(name)];
    return files.map((file) => /** @type {[string, string | File]} */ ([name, file]));
  };
  return { element: labelled(name, input, hint), parts };
}

/**
 * @param {string} name
 * @param {any} example
 * @param {boolean} isRequired
 * @returns {Row}
 */
function partRow(name, example, isRequired) {
  const value = example === undefined ? '' : typeof example === 'string' ? example : JSON.stringify(example);
  const input = textInput({ value: isRequired ? value : '', placeholder: value });
  const element = labelled(labelOf(name, isRequired), input);
  return { element, parts: () => (input.value === '' ? [] : [[name, input.value]]) };
}
