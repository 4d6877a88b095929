// The findings: mistakes of the client that its answers do not show, grouped by code.

import { control } from '../parts/control.js';
import { fill, h } from '../parts/dom.js';
import { count, dateAndTime, plain, time, withCommas } from '../parts/format.js';
import { live } from '../parts/live.js';
import { reloader } from '../parts/reload.js';
import { address, go } from '../parts/route.js';
import { LEVEL_CLASSES, LEVELS } from './levels.js';

/** @typedef {{ code: string, level: import('./levels.js').Level, message: string, first: number, last: number, first_at: string, last_at: string, count: number, from_test: boolean }} Finding */

/** @type {[string, string][]} */
const FILTERS = [
  ['', 'All'],
  ['warning', 'Warnings and errors'],
  ['error', 'Errors'],
];

/** @type {import('../parts/app.js').Open} */
export async function open(route, signal) {
  const filter = h('div', { class: 'segments', role: 'group', 'aria-label': 'Level' });
  const groups = h('div', { class: 'stack' });
  let level = route.query.get('level') ?? '';

  async function draw() {
    const { findings } = await control(`/findings${level && `?level=${encodeURIComponent(level)}`}`, { signal });
    fill(groups, findings.length > 0 ? grouped(findings).map(groupView) : empty(level));
  }

  function drawFilter() {
    const button = (/** @type {[string, string]} */ [name, label]) =>
      h('button', { type: 'button', 'aria-pressed': String(name === level), click: () => go(address(['findings'], { level: name })) }, label);
    fill(filter, FILTERS.map(button));
  }

  const refresh = reloader(draw, signal);
  await draw();
  drawFilter();
  live.on(['finding', 'reset'], refresh, signal, refresh);
  const element = h(
    'div',
    { class: 'view' },
    h(
      'header',
      { class: 'view-head' },
      h('h1', {}, 'Findings'),
      h('p', {}, 'A finding is a mistake of your client that the answer does not show. The real service may refuse the request, or do something that you do not expect.'),
    ),
    h('div', {}, filter),
    groups,
  );
  const update = (/** @type {import('../parts/route.js').Route} */ next) => {
    level = next.query.get('level') ?? '';
    drawFilter();
    refresh();
  };
  const shortcuts = FILTERS.map(([name, label], at) => ({ keys: String(at + 1), does: `Show: ${label.toLowerCase()}`, act: () => go(address(['findings'], { level: name })) }));
  return { title: 'Findings', element, update, shortcuts };
}

/**
 * The findings of each code, worst first.
 *
 * @param {Finding[]} findings
 */
function grouped(findings) {
  /** @type {Map<string, Finding[]>} */
  const groups = new Map();
  for (const one of findings) groups.set(one.code, [...(groups.get(one.code) ?? []), one]);
  return [...groups.values()].sort((one, other) => LEVELS.indexOf(one[0].level) - LEVELS.indexOf(other[0].level));
}

/** @param {Finding[]} rows of one code */
function groupView(rows) {
  const [{ code, level, from_test: fromTest }] = rows;
  const all = rows.reduce((sum, row) => sum + row.count, 0);
  return h(
    'section',
    { class: 'panel finding', 'aria-label': code },
    h(
      'header',
      { class: 'finding-head' },
      h('span', { class: `badge ${LEVEL_CLASSES[level]}` }, level),
      h('h2', {}, explained(rows[0].message)),
      h('a', { href: address(['requests'], { finding: code }) }, count(all, 'request')),
    ),
    h('p', { class: 'soft small' }, h('code', {}, code), fromTest ? ' The test caused it, not the client.' : null),
    h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': `Findings ${code}` }, table(rows)),
  );
}

/** @param {Finding[]} rows */
function table(rows) {
  const head = ['What', 'Number', 'First', 'Last'].map((text) => h('th', { scope: 'col', class: text === 'Number' ? 'number' : '' }, text));
  const body = rows.map((row) =>
    h(
      'tr',
      {},
      h('td', { class: 'finding-detail' }, plain(detail(row.message)) || 'No detail'),
      h('td', { class: 'number', 'data-label': 'Number ' }, withCommas(row.count)),
      h('td', { 'data-label': 'First ' }, request(row.first, row.first_at)),
      h('td', { 'data-label': 'Last ' }, request(row.last, row.last_at)),
    ),
  );
  return h('table', {}, h('thead', {}, h('tr', {}, head)), h('tbody', {}, body));
}

/**
 * @param {number} id
 * @param {string} at
 */
function request(id, at) {
  return h('a', { class: 'finding-time', href: address(['requests', id]), title: dateAndTime(at), 'aria-label': `Request ${id} at ${time(at)}` }, time(at).slice(0, 8));
}

/**
 * What the client did, without the detail: `The client sent a field that is not documented.`
 *
 * @param {string} message
 */
function explained(message) {
  return `The client ${plain(message.split(': ')[0])}.`;
}

/** @param {string} message */
function detail(message) {
  const [, ...rest] = message.split(': ');
  return rest.join(': ');
}

/** @param {string} level */
function empty(level) {
  return h(
    'div',
    { class: 'empty' },
    h('h2', {}, level ? 'No finding of this level.' : 'No finding so far.'),
    h(
      'p',
      {},
      'The mock looks at every request of your client: fields that are not documented, a token for each call, a stream that ended early without the client seeing it. What it finds is listed here.',
    ),
    h('p', {}, 'In a terminal, ', h('code', {}, 'mock-heidi findings'), ' lists the same, and ', h('code', {}, 'pytest --mock-heidi-findings=warning'), ' makes tests fail for them.'),
    h('a', { class: 'button', href: '#/requests' }, 'See the requests'),
  );
}
