// What a schema allows, said in words.

import { h } from '../parts/dom.js';
import { resolve } from './contract.js';

// These keys are shown elsewhere or say nothing to a reader.
const SHOWN = new Set(
  ['$ref', 'type', 'properties', 'required', 'items', 'anyOf', 'description', 'title', 'additionalProperties'].concat(
    ['const', 'examples', 'x-provenance', 'x-assumption', 'x-assumptions', 'x-status', 'x-no-class'],
  ),
);
// A longer pattern is folded, and so are more words.
const LONG = 48;
const MANY = 12;

/** How each key is said. @type {Record<string, (value: any) => (Node | string)[]>} */
const SAYS = {
  enum: (words) => (words.length > MANY ? [foldedWords(words)] : ['One of ', ...codes(words)]),
  'x-words': (words) => ['Known words ', ...codes(words)],
  default: (value) => ['Default ', ...codes([value])],
  format: (value) => (value === 'binary' ? [] : ['Format ', ...codes([value])]),
  minimum: (value) => [`At least ${value.toLocaleString('en')}`],
  maximum: (value) => [`At most ${value.toLocaleString('en')}`],
  minLength: (value) => [value === 1 ? 'Not empty' : `At least ${value} characters`],
  maxLength: (value) => [`At most ${value} characters`],
  minItems: (value) => [value === 1 ? 'Not empty' : `At least ${value} items`],
  maxItems: (value) => [`At most ${value} items`],
  minProperties: (value) => [`At least ${value} keys`],
  maxProperties: (value) => [`At most ${value} keys`],
  contentMediaType: (value) => ['Content ', ...codes([value])],
  pattern: (value) => [folded('Pattern ', value)],
};

/**
 * What a schema allows. The items of a list and the forms of an `anyOf` count, if they have no fields themselves.
 *
 * @param {any} whole
 * @param {any} schema
 */
export function facts(whole, schema) {
  const rows = factsOf(whole, schema)
    .map((parts) => h('li', {}, ...parts))
    .filter((row, index, all) => all.findIndex((one) => one.isEqualNode(row)) === index);
  return rows.length > 0 ? h('ul', { class: 'facts-of-field' }, ...rows) : null;
}

/**
 * @param {any} whole
 * @param {any} given
 * @returns {(Node | string)[][]}
 */
function factsOf(whole, given) {
  const schema = resolve(whole, given);
  const own = Object.entries(schema)
    .filter(([key]) => !SHOWN.has(key) && !key.startsWith('x-') || key === 'x-words')
    .map(([key, value]) => SAYS[key]?.(value) ?? [folded(`${key} `, JSON.stringify(value))]);
  const parts = [...(schema.anyOf ?? []), ...(schema.items ? [schema.items] : [])];
  const plain = parts.filter((part) => !resolve(whole, part).properties);
  return [...own.filter((part) => part.length > 0), ...plain.flatMap((part) => factsOf(whole, part))];
}

/** @param {any[]} words */
function codes(words) {
  const said = (/** @type {any} */ word) => (typeof word === 'string' && word !== '' ? word : JSON.stringify(word));
  return words.flatMap((word, index) => [index > 0 ? ' ' : '', h('code', {}, said(word))]);
}

/** @param {any[]} words */
function foldedWords(words) {
  return h('details', {}, h('summary', {}, `One of ${words.length} words`), ...codes(words));
}

/**
 * @param {string} label
 * @param {string} text
 */
function folded(label, text) {
  if (text.length <= LONG) return h('span', {}, label, h('code', {}, text));
  return h('details', {}, h('summary', {}, label), h('code', {}, text));
}
