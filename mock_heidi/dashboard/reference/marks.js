// Where a fact of the contract comes from, and the assumptions behind it.

import { h } from '../parts/dom.js';
import { resolve } from './contract.js';

/** What each provenance means. */
const MEANS = {
  documented: 'The vendor’s own pages say it.',
  observed: 'It was seen in public code and tests of people who use the real service.',
  assumed: 'No source says it. The mock makes a guess, which has a name.',
};

/** @typedef {keyof typeof MEANS} Provenance */

/**
 * The provenance of a fact in one word with a sign; null without one.
 *
 * @param {string | undefined} provenance
 */
export function mark(provenance) {
  if (provenance === undefined) return null;
  const title = MEANS[/** @type {Provenance} */ (provenance)];
  return h('span', { class: `provenance ${provenance}`, title }, provenance);
}

const STRENGTH = Object.keys(MEANS);

/**
 * The provenance of the keys of a schema; without a mark, that of its weakest part. Undefined without any.
 *
 * @param {any} whole
 * @param {any} given
 * @returns {string | undefined}
 */
export function provenanceOf(whole, given) {
  const schema = resolve(whole, given);
  if (schema['x-provenance'] !== undefined) return schema['x-provenance'];
  const items = schema.items ? [schema.items] : [];
  const parts = [...(schema.anyOf ?? []), ...Object.values(schema.properties ?? {}), ...items];
  const found = parts.map((part) => provenanceOf(whole, part)).filter((one) => one !== undefined);
  return found.sort((one, other) => STRENGTH.indexOf(other) - STRENGTH.indexOf(one))[0];
}

/**
 * The names of the assumptions of a part of the contract.
 *
 * @param {any} part
 * @returns {string[]}
 */
export function assumptionsOf(part) {
  const named = [part['x-assumption'], part['x-status'], ...(part['x-assumptions'] ?? [])];
  return [...new Set(named.filter((name) => name !== undefined))];
}

/**
 * Links to the assumptions in the dashboard, where they can be chosen; null without one.
 *
 * @param {string[]} names
 */
export function assumptionLinks(names) {
  if (names.length === 0) return null;
  const links = names.flatMap((name) => [assumptionLink(name), ' ']);
  return h('p', { class: 'assumptions' }, names.length === 1 ? 'Assumption ' : 'Assumptions ', ...links);
}

/** @param {string} name */
function assumptionLink(name) {
  return h('a', { class: 'mono', href: assumptionAddress(name) }, name);
}

/**
 * The address of an assumption in the dashboard.
 *
 * @param {string} name
 */
export function assumptionAddress(name) {
  return `./#/assumptions?name=${encodeURIComponent(name)}`;
}

/** What the marks mean, in a panel. */
export function legend() {
  return h('section', { class: 'panel legend' }, h('h2', {}, 'Where a fact comes from'), ...meanings());
}

/** What the marks mean, folded. */
export function foldedLegend() {
  return h('details', { class: 'folded legend' }, h('summary', {}, 'What documented, observed and assumed mean'), ...meanings());
}

function meanings() {
  const rows = Object.entries(MEANS).map(([name, means]) => h('div', {}, h('dt', {}, mark(name)), h('dd', {}, means)));
  return [
    h('dl', {}, ...rows),
    h(
      'p',
      { class: 'soft' },
      'At an operation, the word says that the operation exists. At an answer, it is about the status. At a parameter, ' +
        'a field or a header, it is about its name and form. An assumption can be chosen in the dashboard: its name ' +
        'leads there.',
    ),
  ];
}
