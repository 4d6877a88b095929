// The state of the namespace: its records, snapshots of it, and fixtures that carry it elsewhere.

import { h } from '../parts/dom.js';
import { withCommas } from '../parts/format.js';
import { live } from '../parts/live.js';
import { complain } from '../parts/toast.js';
import { exportPanel } from './state-export.js';
import { importPanel } from './state-import.js';
import { KINDS, readCounts } from './state-kinds.js';
import { openRecords } from './state-records.js';
import { askForReset } from './state-reset.js';
import { Snapshots } from './state-snapshots.js';

/** @type {import('../parts/app.js').Open} */
export async function open(route, signal) {
  return route.rest.length > 0 ? openRecords(route, signal) : openState(route, signal);
}

/**
 * @param {import('../parts/route.js').Route} route
 * @param {AbortSignal} signal
 */
async function openState(route, signal) {
  const counts = h('ul', { class: 'kinds' });
  const snapshots = new Snapshots(signal);
  const count = async () => drawCounts(counts, await readCounts(signal));
  await Promise.all([count(), snapshots.load()]);
  await snapshots.show(route);
  followChanges(() => Promise.all([count(), snapshots.load()]), signal);
  const element = h(
    'div',
    { class: 'view' },
    h(
      'header',
      { class: 'view-head' },
      h('h1', {}, 'State'),
      h('div', { class: 'buttons' }, h('button', { type: 'button', class: 'danger', click: askForReset }, 'Reset …')),
      h('p', {}, 'The records of this namespace. Save them, compare them, bring them back, or take them along as fixtures.'),
    ),
    h('section', { class: 'panel', 'aria-labelledby': 'records-title' }, h('h2', { id: 'records-title' }, 'Records'), counts),
    snapshots.element,
    h('div', { class: 'panels' }, exportPanel(), importPanel()),
  );
  return {
    title: 'State',
    element,
    update: (/** @type {import('../parts/route.js').Route} */ next) => (next.rest.length > 0 ? false : void snapshots.show(next)),
    shortcuts: [
      { keys: 's', does: 'Take a snapshot', act: () => snapshots.focus() },
      { keys: 'i', does: 'Import fixtures', act: () => element.querySelector('textarea')?.focus() },
      { keys: 'r', does: 'Reset …', act: askForReset },
    ],
  };
}

/**
 * @param {HTMLElement} list
 * @param {Record<string, number>} counts
 */
function drawCounts(list, counts) {
  const items = Object.entries(KINDS).map(([kind, { label }]) =>
    h('li', {}, h('a', { href: `#/state/${kind}` }, h('strong', {}, withCommas(counts[kind])), ' ', label)),
  );
  list.replaceChildren(...items);
}

/**
 * Calls a function after changes, at most once a second, however many they are.
 *
 * @param {() => Promise<unknown>} work
 * @param {AbortSignal} signal
 */
function followChanges(work, signal) {
  let waits = false;
  const later = () => {
    if (waits) return;
    waits = true;
    setTimeout(() => {
      waits = false;
      if (!signal.aborted) work().catch(complain);
    }, 1000);
  };
  live.on(['state', 'reset'], later, signal, later);
}
