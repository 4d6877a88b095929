// What was exercised of one operation, or of one kind of points, and what is missing.

import { copyBlock } from '../parts/copy.js';
import { h } from '../parts/dom.js';
import { count } from '../parts/format.js';
import { address } from '../parts/route.js';
import { words } from './coverage-points.js';

/** @typedef {import('./coverage-points.js').Group} Group */
/** @typedef {import('./coverage-points.js').Point} Point */

/**
 * A group that opens; null if nothing of it fits.
 *
 * @param {Group} group
 * @param {{ text: string, missing: boolean }} query
 * @param {Set<string>} opened the titles of the groups that are open
 */
export function coverageGroup(group, query, opened) {
  const wanted = query.text.toLowerCase().split(/\s+/);
  const fits = (/** @type {Point} */ point) => wanted.every((word) => `${group.title} ${words(point)} ${point.kind}`.toLowerCase().includes(word));
  const [missing, exercised] = [group.missing.filter(fits), query.missing ? [] : group.exercised.filter(fits)];
  if (missing.length + exercised.length === 0) return null;
  const content = h('div', { class: 'assumption-content' });
  const draw = () => {
    if (content.childElementCount === 0) content.append(...parts(group, missing, exercised));
  };
  const [done, all] = [group.exercised.length, group.exercised.length + group.missing.length];
  const element = h(
    'details',
    { class: 'assumption', open: opened.has(group.title), toggle },
    h(
      'summary',
      { 'data-key': group.title },
      h(group.isOperation ? 'code' : 'strong', {}, group.title),
      group.missing.length === 0 ? h('span', { class: 'badge good' }, 'complete') : h('span', { class: 'badge' }, `${group.missing.length} missing`),
      h('span', { class: 'soft coverage-share' }, `${done} of ${all}`),
    ),
    content,
  );
  function toggle() {
    if (element.open) opened.add(group.title);
    else opened.delete(group.title);
    if (element.open) draw();
  }
  if (element.open) draw();
  return element;
}

/**
 * @param {Group} group
 * @param {Point[]} missing
 * @param {Point[]} exercised
 */
function parts(group, missing, exercised) {
  const requests = group.isOperation && group.exercised.length > 0 ? h('p', {}, h('a', { href: address(['requests'], { operation: group.title }) }, `The requests of ${group.title}`)) : null;
  const gaps = missing.map((point) =>
    h(
      'li',
      { class: 'gap' },
      h('p', {}, words(point)),
      copyBlock(point.python ?? '', `Python for ${words(point)}`),
      h('details', {}, h('summary', { class: 'small soft' }, 'As a command'), copyBlock(point.command ?? '', `the command for ${words(point)}`)),
    ),
  );
  const done = exercised.map((point) => h('li', {}, `${words(point)}, `, h('span', { class: 'soft' }, count(point.count ?? 0, 'request'))));
  return [
    done.length > 0 ? h('div', { class: 'stack' }, h('h3', {}, 'Exercised'), h('ul', { class: 'exercised' }, done)) : null,
    requests,
    gaps.length > 0 ? h('div', { class: 'stack' }, h('h3', {}, 'Missing'), h('ul', { class: 'gaps' }, gaps)) : null,
  ].filter((part) => part !== null);
}
