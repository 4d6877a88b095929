// The coverage of the contract by the clients: what they exercised, and what they never did.

import { control, Refusal } from '../parts/control.js';
import { copyBlock } from '../parts/copy.js';
import { ask } from '../parts/dialog.js';
import { fill, h } from '../parts/dom.js';
import { count } from '../parts/format.js';
import { keepPlace } from '../parts/keep-place.js';
import { live } from '../parts/live.js';
import { reloader } from '../parts/reload.js';
import { address, go } from '../parts/route.js';
import { attempt } from '../parts/toast.js';
import { coverageGroup } from './coverage-group.js';
import { KINDS, groupsOf } from './coverage-points.js';

/** @typedef {import('../parts/route.js').Route} Route */
/** @typedef {import('./coverage-points.js').Report} Report */

const LEAD = 'Coverage shows how much of the contract your client has used. The parts that it has never used stand below, each with a line that uses it.';

/** @type {import('../parts/app.js').Open} */
export async function open(route, signal) {
  let query = queryOf(route);
  /** @type {Report | null} */
  let report = null;
  const search = h('input', { type: 'search', id: 'coverage-search', value: query.text, input: narrow });
  const onlyMissing = h('input', { type: 'checkbox', checked: query.missing, change: narrow });
  const summary = h('div', { class: 'stack' });
  const groups = h('div', { class: 'rows-plain' });
  const none = h('p', { class: 'soft' }, 'Nothing fits. Clear the search or the filter.');
  const filters = h(
    'form',
    { class: 'filters', role: 'search', submit: (/** @type {Event} */ event) => event.preventDefault() },
    h('label', { class: 'field', for: search.id }, h('span', {}, 'Search'), search),
    h('label', { class: 'check' }, onlyMissing, 'missing only'),
  );
  const forget = h('button', { type: 'button', click: () => attempt(forgetAll) }, 'Set to 0');
  const off = h('div', { class: 'stack', hidden: true }, switchedOff());
  const on = h('div', { class: 'stack coverage' }, summary, h('h2', {}, 'By operation'), filters, groups, none);
  /** The groups that are open, by title. @type {Set<string>} */
  const opened = new Set(query.operation ? [query.operation] : []);

  async function load() {
    report = await read(signal);
    off.hidden = report !== null;
    on.hidden = forget.hidden = report === null;
    draw();
  }

  function draw() {
    if (report === null) return;
    fill(summary, total(report), kinds(report));
    const shown = groupsOf(report).flatMap((group) => coverageGroup(group, query, opened) ?? []);
    keepPlace(() => fill(groups, shown));
    groups.hidden = shown.length === 0;
    none.hidden = shown.length > 0;
  }

  function narrow() {
    query = { ...query, text: search.value, missing: onlyMissing.checked };
    go(address(['coverage'], { text: query.text, missing: query.missing ? 'true' : null, operation: query.operation }), { replace: true });
    draw();
  }

  async function forgetAll() {
    if (!(await ask('Set all counts to 0? The requests so far no longer count, those of other namespaces included.', 'Set to 0'))) return;
    await control('/coverage', { method: 'DELETE' });
    await load();
  }

  await load();
  requestAnimationFrame(() => groups.querySelector('details[open]')?.scrollIntoView({ block: 'nearest' }));
  const again = reloader(load, signal, 1000);
  live.on(['request', 'reset'], () => report !== null && again(), signal, again);
  const element = h(
    'div',
    { class: 'view' },
    h('header', { class: 'view-head' }, h('h1', {}, 'Coverage'), h('div', { class: 'buttons' }, forget), h('p', {}, LEAD)),
    off,
    on,
  );
  return {
    title: 'Coverage',
    element,
    update(next) {
      const wanted = queryOf(next);
      if (JSON.stringify(wanted) === JSON.stringify(query)) return;
      query = wanted;
      search.value = query.text;
      onlyMissing.checked = query.missing;
      if (query.operation) opened.add(query.operation);
      draw();
    },
    shortcuts: [
      { keys: '/', does: 'Search', act: () => search.focus() },
      { keys: 'm', does: 'Show what is missing only, or all', act: () => onlyMissing.click() },
    ],
  };
}

/** @param {Route} route */
function queryOf({ query }) {
  return { text: query.get('text') ?? '', missing: query.has('missing'), operation: query.get('operation') ?? '' };
}

/**
 * The report; null if the server does not count.
 *
 * @param {AbortSignal} signal
 * @returns {Promise<Report | null>}
 */
async function read(signal) {
  try {
    return await control('/coverage', { signal });
  } catch (error) {
    if (error instanceof Refusal && error.status === 404) return null;
    throw error;
  }
}

function switchedOff() {
  return h(
    'div',
    { class: 'empty' },
    h('h2', {}, 'This server does not count coverage.'),
    h('p', {}, 'Counting costs a little time for each request, so it is off until you ask for it. Start the server with:'),
    copyBlock('mock-heidi serve --coverage', 'the command that counts coverage'),
    h('p', {}, 'In tests with pytest:'),
    copyBlock('pytest --mock-heidi-coverage', 'the command for pytest'),
  );
}

/** @param {Report} report */
function total({ covered, points, percent }) {
  return h(
    'div',
    { class: 'coverage-total' },
    h('strong', {}, `${percent} %`),
    h('span', {}, `${covered} of ${count(points, 'point')} of the contract`),
    h('progress', { max: points, value: covered, 'aria-label': 'Coverage of the contract' }),
  );
}

/** @param {Report} report */
function kinds(report) {
  const rows = report.kinds.map(({ kind, covered, points }) =>
    h(
      'div',
      { class: 'coverage-kind' },
      h('span', {}, KINDS[kind]),
      h('progress', { max: points, value: covered, 'aria-label': KINDS[kind] }),
      h('span', { class: 'soft' }, `${covered} of ${points}`),
    ),
  );
  return h('div', { class: 'coverage-kinds' }, rows);
}
