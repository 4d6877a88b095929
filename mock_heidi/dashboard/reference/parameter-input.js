// The input of one parameter.

import { control } from '../parts/control.js';
import { h } from '../parts/dom.js';
import { current } from '../parts/route.js';
import { resolve } from './contract.js';
import { labelled, labelOf, textInput } from './inputs.js';

let lists = 0;
// The number of ids that are offered.
const OFFERED = 50;
/**
 * The records to which a parameter may refer: their kind, and the field with their id.
 *
 * @type {Record<string, [string, string]>}
 */
const RECORDS = { session_id: ['sessions', 'session_id'], patient_profile_id: ['patient_profiles', 'id'] };

/**
 * The input of a parameter, with the value that the address gives, else its example if the parameter is required.
 *
 * @param {any} whole
 * @param {any} parameter
 */
export function parameterInput(whole, parameter) {
  const schema = resolve(whole, parameter.schema);
  const words = schema.enum ?? (schema.type === 'boolean' ? ['true', 'false'] : null);
  const input = words === null ? valueInput(parameter, schema) : choice(parameter, words);
  const element = labelled(labelOf(parameter.name, parameter.required), input);
  const given = current().query.get(parameter.name);
  if (given !== null) input.value = given;
  if (words === null) offerIds(parameter, /** @type {HTMLInputElement} */ (input), element);
  return { parameter, element, value: () => input.value };
}

/**
 * @param {any} parameter
 * @param {any} schema
 */
function valueInput(parameter, schema) {
  const example = parameter.example ?? schema.examples?.[0] ?? '';
  return textInput({
    value: parameter.required ? example : '',
    placeholder: parameter.required ? '' : (schema.default ?? ''),
    required: Boolean(parameter.required) && parameter.in === 'path',
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
 * The ids of the newest records to which a parameter may refer, newest first; empty for other parameters.
 *
 * @param {string} parameter such as `session_id`
 * @returns {Promise<string[]>}
 */
async function idsFor(parameter) {
  if (!(parameter in RECORDS)) return [];
  const [kind, field] = RECORDS[parameter];
  const { total } = await control(`/state/${kind}?limit=0`);
  const { records } = await control(`/state/${kind}?limit=${OFFERED}&offset=${Math.max(0, total - OFFERED)}`);
  return records.map((/** @type {any} */ row) => row[field]).reverse();
}

/**
 * Offers the ids of the namespace. If the example is none of them, the newest stands in the
 * input. A value of the address stays.
 *
 * @param {any} parameter
 * @param {HTMLInputElement} input
 * @param {HTMLElement} element
 */
async function offerIds(parameter, input, element) {
  const before = input.value;
  const isGiven = current().query.has(parameter.name);
  // A refusal leaves the input as it is.
  const ids = await idsFor(parameter.name).catch(() => /** @type {string[]} */ ([]));
  if (ids.length === 0) return;
  const list = h('datalist', { id: `ids-${++lists}` }, ...ids.map((id) => h('option', { value: id })));
  input.setAttribute('list', list.id);
  element.append(list);
  if (parameter.required && !isGiven && input.value === before && !ids.includes(before)) {
    input.value = ids[0];
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }
}
