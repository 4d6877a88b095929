// Why a request was answered as it was: refusals, faults, findings, assumptions, and the source of the answer.

import { h } from '../parts/dom.js';
import { plain } from '../parts/format.js';
import { address } from '../parts/route.js';
import { sentence } from '../parts/toast.js';
import { LEVEL_CLASSES } from './levels.js';

/** @typedef {import('./request.js').Request} Request */
/** @typedef {import('./request.js').Story} Story */

const SOURCES = {
  documented: "as the vendor's pages document it",
  observed: 'as it was seen in answers of the real service or in public code',
  assumed: 'an assumption, since no source says it',
};

/**
 * All that explains a request; null if nothing does.
 *
 * @param {Story} story
 */
export function reasons({ row, findings, faults }) {
  const rows = [
    ...whyOf(row),
    ...[row.fault ?? []].flat().map((id) => faultOf(id, faults.find((rule) => rule.id === id))),
    ...findingsOf(row, findings),
    ...sourceOf(row),
    ...assumptionsOf(row),
  ];
  if (rows.length === 0) return null;
  const lines = rows.flatMap(([name, kind, ...said]) => [h('dt', { class: String(kind) }, name), h('dd', {}, ...said)]);
  return h('dl', { class: 'reasons' }, ...lines);
}

/** @param {Request} row */
function whyOf(row) {
  if (row.why === null) return [];
  const name = row.operation === null && row.status === 404 ? 'Matched nothing' : 'Refused';
  const stray = row.stray ? ' A browser sent it by itself, or for a page that may not use the API.' : '';
  return [[name, 'care', sentence(row.why), stray]];
}

/**
 * @param {string} id
 * @param {any} rule undefined if it is no longer set
 */
function faultOf(id, rule) {
  const link = h('a', { href: address(['faults', id]) }, id);
  if (rule === undefined) return ['Fault', 'accent', link, ' changed the answer. It is no longer set.'];
  return ['Fault', 'accent', link, rule.label ? ` (${plain(rule.label)})` : '', ' changed the answer. Its rule: ', plain(rule.says)];
}

/**
 * @param {Request} row
 * @param {any[]} findings
 */
function findingsOf(row, findings) {
  return row.findings.flatMap((code) => {
    const same = findings.filter((one) => one.code === code && one.first <= row.id && row.id <= one.last);
    const exact = same.filter(({ first, last }) => first === row.id || last === row.id);
    const link = () => h('a', { href: address(['findings']) }, code);
    if (same.length === 0) return [['Finding', '', link()]];
    return (exact.length > 0 ? exact : same).map(({ level, message }) => [
      `Finding: ${level}`,
      LEVEL_CLASSES[/** @type {import('./levels.js').Level} */ (level)],
      link(),
      `: your client ${plain(message)}.`,
    ]);
  });
}

/** @param {Request} row */
function assumptionsOf(row) {
  if (row.assumptions.length === 0) return [];
  const link = (/** @type {string} */ name) => h('a', { href: address(['assumptions'], { name }) }, name);
  const links = row.assumptions.flatMap((name, at) => (at > 0 ? [', ', link(name)] : [link(name)]));
  return [['Assumptions', 'soft', ...links, '. Choose another value of one to see what your client does then.']];
}

/** @param {Request} row */
function sourceOf({ provenance, fault }) {
  const isTold = provenance === null || [fault ?? []].flat().length > 0;
  return isTold ? [] : [['Source', 'soft', provenanceText(provenance)]];
}

/**
 * The provenance of an answer in words.
 *
 * @param {string} provenance such as `status=observed, body=documented; creation_status`
 */
function provenanceText(provenance) {
  const [facts] = provenance.split(';');
  if (facts.startsWith('injected')) return 'A fault gave or changed this answer.';
  if (facts === 'reply') return 'A reply that you set gave this answer.';
  if (facts === 'mock') return 'Only the mock gives this answer; the real service does not.';
  const found = new Map(facts.split(', ').map((fact) => /** @type {[string, string]} */ (fact.split('=', 2))));
  const said = (/** @type {string} */ name) => {
    const source = found.get(name) ?? '';
    return Object.hasOwn(SOURCES, source) ? SOURCES[/** @type {keyof SOURCES} */ (source)] : source;
  };
  if (found.get('status') === found.get('body')) return `Status and body: ${said('status')}.`;
  return `Status: ${said('status')}. Body: ${said('body')}.`;
}
