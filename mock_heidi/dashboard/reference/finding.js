// The search over operations, their fields, and the pages of the documentation.

import { address } from '../parts/route.js';
import { resolve } from './contract.js';

/** @typedef {import('./contract.js').Contract} Contract */
/** @typedef {import('./contract.js').Operation} Operation */
/** @typedef {import('./contents.js').DocPage} DocPage */
/** @typedef {{ group: string, title: string, where: string, names: string[], href: string, text: string }} Entry */

/** The groups of results, in their order. */
export const GROUPS = ['Operations', 'Fields', 'Guide'];
// What a word counts in the title, in the path or the names, and in the text.
const WEIGHTS = [9, 3, 1];

/**
 * Everything that can be found.
 *
 * @param {Contract[]} contracts
 * @param {DocPage[]} pages
 * @returns {Entry[]}
 */
export function entries(contracts, pages) {
  const operations = contracts.flatMap((contract) => contract.operations);
  return [...operations.map(ofOperation), ...operations.flatMap(ofParts), ...pages.flatMap(ofPage)];
}

/** @param {Operation} operation */
function ofOperation({ contract, id, method, path, tag, described }) {
  const where = `${method} ${contract.key === 'control' ? '/_mock' : ''}${path}`;
  const text = `${id} ${contract.title} ${tag} ${described.description ?? ''}`;
  return { group: GROUPS[0], title: described.summary, where, names: [], href: address([contract.key, id]), text };
}

/**
 * The parameters, the body and the answers, each with the names of its fields.
 *
 * @param {Operation} operation
 * @returns {Entry[]}
 */
function ofParts({ contract, id, parameters, body, responses, described }) {
  const { whole } = contract;
  const entry = (/** @type {string} */ place, /** @type {string} */ where, /** @type {Iterable<string>} */ names) => ({
    group: GROUPS[1],
    title: described.summary,
    where,
    names: [...names],
    href: address([contract.key, id, place]),
    text: '',
  });
  return [
    entry('parameters', 'Parameters', parameters.map(({ name }) => name)),
    entry('body', 'Body', namesIn(whole, body)),
    ...responses.map(({ status, response }) => entry(status, `Answer ${status}`, namesIn(whole, response))),
  ].filter((one) => one.names.length > 0);
}

/**
 * The names of all fields of the schemas of a body or an answer.
 *
 * @param {any} whole
 * @param {any} part
 */
function namesIn(whole, part) {
  /** @type {Set<string>} */
  const names = new Set();
  const seen = new Set();
  const visit = (/** @type {any} */ given) => {
    if (typeof given !== 'object' || given === null || seen.has(given.$ref ?? given)) return;
    seen.add(given.$ref ?? given);
    const schema = resolve(whole, given);
    for (const [name, inner] of Object.entries(schema.properties ?? {})) names.add(name), visit(inner);
    const others = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), schema.items, schema.additionalProperties];
    others.forEach(visit);
  };
  for (const media of Object.values(part?.content ?? {})) visit(/** @type {any} */ (media).schema);
  return names;
}

/**
 * @param {DocPage} page
 * @returns {Entry[]}
 */
function ofPage({ name, title, sections }) {
  return sections.map((section, index) => ({
    group: GROUPS[2],
    title: section.title,
    where: index === 0 ? 'Guide' : title,
    names: [],
    href: index === 0 ? address(['guide', name]) : address(['guide', name, section.id]),
    text: section.text,
  }));
}

/**
 * The entries that have all words, best first: those with the words in their title, then in the path or the names, then
 * in the text.
 *
 * @param {Entry[]} all
 * @param {string} asked
 */
export function find(all, asked) {
  const words = wordsOf(asked);
  if (words.length === 0) return [];
  return all
    .map((entry) => ({ entry, score: score(entry, words) }))
    .filter((one) => one.score > 0)
    .sort((one, other) => other.score - one.score)
    .map(({ entry }) => entry);
}

/**
 * @param {Entry} entry
 * @param {string[]} words
 */
function score({ group, title, where, names, text }, words) {
  // Of a group of fields, at least one name must match. Its title is that of the operation.
  if (group === GROUPS[1] && matching(names, words).length === 0) return 0;
  const places = [title, `${where} ${names.join(' ')}`, text].map((place) => place.toLowerCase());
  const found = words.map((word) => places.findIndex((place) => place.includes(word)));
  if (found.includes(-1)) return 0;
  return found.reduce((sum, place) => sum + WEIGHTS[place], 0);
}

/**
 * The names that have one of the words.
 *
 * @param {string[]} names
 * @param {string[]} words
 */
export function matching(names, words) {
  return names.filter((name) => words.some((word) => name.toLowerCase().includes(word)));
}

/**
 * The words of a text that is searched for.
 *
 * @param {string} asked
 */
export function wordsOf(asked) {
  return asked.toLowerCase().split(/\s+/).filter(Boolean);
}

/**
 * The part of a text around the first of the words, with marks where it is cut.
 *
 * @param {string} text
 * @param {string} asked
 */
export function around(text, asked) {
  const word = wordsOf(asked).find((one) => text.toLowerCase().includes(one)) ?? '';
  const at = Math.max(0, text.toLowerCase().indexOf(word) - 40);
  return `${at > 0 ? '…' : ''}${text.slice(at, at + 120)}${text.length > at + 120 ? '…' : ''}`;
}
