// The assumptions: what the mock guesses about the service, and the values that can be chosen instead.

import { control } from '../parts/control.js';
import { fill, h } from '../parts/dom.js';
import { count as counted } from '../parts/format.js';
import { live } from '../parts/live.js';
import { reloader } from '../parts/reload.js';
import { address, go } from '../parts/route.js';
import { attempt, toast } from '../parts/toast.js';
import { assumptionRow } from './assumption.js';
import { MetAssumptions } from './met-assumptions.js';

/** @typedef {import('./assumption.js').Assumption} Assumption */
/** @typedef {import('../parts/route.js').Route} Route */

const LEAD = 'Where no source says what the real service does, the mock makes a guess. Choose the value that you have seen: the next answer follows it.';

/** @type {import('../parts/app.js').Open} */
export async function open(route, signal) {
  const met = new MetAssumptions();
  /** @type {Assumption[]} */
  let all = [];
  /** @type {Map<string, ReturnType<typeof assumptionRow>>} */
  const rows = new Map();
  let query = queryOf(route);

  const search = h('input', { type: 'search', id: 'assumption-search', value: query.text, input: narrow });
  const operation = h('select', { id: 'assumption-operation', change: narrow });
  const onlyMet = h('input', { type: 'checkbox', change: narrow });
  const onlyChanged = h('input', { type: 'checkbox', change: narrow });
  const total = h('p', { class: 'soft small', role: 'status' });
  const list = h('div', { class: 'rows-plain' });
  const none = h('p', { class: 'soft' }, 'No assumption fits. Clear the search or the filters.');

  async function load() {
    take((await control('/assumptions', { signal })).assumptions);
  }

  async function count() {
    await met.load(signal);
    draw();
  }

  /** @param {Assumption[]} assumptions */
  function take(assumptions) {
    all = assumptions;
    for (const one of all) {
      const row = rows.get(one.name);
      if (row === undefined) rows.set(one.name, assumptionRow(one, choose, opened));
      else row.take(one);
    }
    if (list.childElementCount === 0) fill(list, [...rows.values()].map(({ element }) => element));
    draw();
  }

  function draw() {
    let shown = 0;
    for (const one of all) {
      const row = rows.get(one.name);
      const number = met.counts.get(one.name) ?? 0;
      const isShown = fits(one, number, query);
      row?.meet(number);
      if (row) row.element.hidden = !isShown;
      shown += Number(isShown);
    }
    const changed = all.filter((one) => one.value !== one.default).length;
    total.textContent = `${shown === all.length ? counted(all.length, 'assumption') : `${shown} of ${counted(all.length, 'assumption')}`}, ${changed} changed, ${met.counts.size} met by your client`;
    none.hidden = shown > 0;
    list.hidden = shown === 0;
  }

  /**
   * @param {Assumption} one
   * @param {unknown} value
   */
  async function choose(one, value) {
    const before = one.value;
    const set = async (/** @type {unknown} */ wanted) => take((await control('/assumptions', { method: 'PUT', body: { [one.name]: wanted } })).assumptions);
    const done = await attempt(async () => (await set(value), true));
    if (!done) return rows.get(one.name)?.restore();
    toast(`${one.name} is ${value} now. The next answer follows it.`, { action: 'Undo', act: () => attempt(() => set(before)) });
    return undefined;
  }

  /**
   * @param {string} name
   * @param {boolean} isOpen
   */
  function opened(name, isOpen) {
    if (!isOpen && query.name !== name) return;
    query = { ...query, name: isOpen ? name : '' };
    go(addressOf(query), { replace: true });
  }

  function narrow() {
    query = { ...query, text: search.value, operation: operation.value, met: onlyMet.checked, changed: onlyChanged.checked };
    go(addressOf(query), { replace: true });
    draw();
  }

  function showQuery() {
    if (search.value !== query.text) search.value = query.text;
    operation.value = query.operation;
    onlyMet.checked = query.met;
    onlyChanged.checked = query.changed;
    draw();
    const row = rows.get(query.name);
    row?.open();
  }

  await load();
  // Ten thousand requests take a while to count, and the assumptions can be read meanwhile.
  const countAgain = reloader(count, signal);
  countAgain();
  const operations = [...new Set(all.flatMap((one) => one.operations))];
  fill(operation, h('option', { value: '' }, 'Any'), operations.map((name) => h('option', { value: name }, name)));
  showQuery();
  live.on(['request'], (events) => met.add(events.map(({ data }) => data)) && draw(), signal);
  const again = reloader(load, signal);
  const everything = () => (again(), countAgain());
  live.on(['setting'], again, signal);
  live.on(['reset'], everything, signal, everything);

  const element = h(
    'div',
    { class: 'view' },
    h(
      'header',
      { class: 'view-head' },
      h('h1', {}, 'Assumptions'),
      h('p', {}, LEAD),
    ),
    h(
      'form',
      { class: 'filters', role: 'search', submit: (/** @type {Event} */ event) => event.preventDefault() },
      labelled('Search', search),
      labelled('Operation', operation),
      h('label', { class: 'check' }, onlyMet, 'met by my client'),
      h('label', { class: 'check' }, onlyChanged, 'changed only'),
    ),
    h('section', { class: 'stack', 'aria-label': 'Assumptions' }, total, list, none),
  );
  return {
    title: 'Assumptions',
    element,
    update(next) {
      const wanted = queryOf(next);
      if (JSON.stringify(wanted) === JSON.stringify(query)) return;
      query = wanted;
      showQuery();
    },
    shortcuts: [{ keys: '/', does: 'Search', act: () => search.focus() }],
  };
}

/** @typedef {{ text: string, operation: string, met: boolean, changed: boolean, name: string }} Query */

/**
 * @param {Route} route
 * @returns {Query}
 */
function queryOf({ rest, query }) {
  return {
    text: query.get('text') ?? '',
    operation: query.get('operation') ?? '',
    met: query.has('met'),
    changed: query.has('changed'),
    name: query.get('name') ?? rest[0] ?? '',
  };
}

/** @param {Query} query */
function addressOf(query) {
  return address(['assumptions'], { ...query, met: query.met ? 'true' : null, changed: query.changed ? 'true' : null });
}

/**
 * @param {Assumption} one
 * @param {number} met
 * @param {Query} query
 */
function fits(one, met, query) {
  const text = [one.name, one.decides, one.why, one.advice, one.value, ...one.sources].join(' ').toLowerCase();
  return (
    query.text.toLowerCase().split(/\s+/).every((word) => text.includes(word)) &&
    (query.operation === '' || one.operations.includes(query.operation)) &&
    (!query.met || met > 0) &&
    (!query.changed || one.value !== one.default)
  );
}

/**
 * @param {string} label
 * @param {HTMLElement} input
 */
function labelled(label, input) {
  return h('label', { class: 'field', for: input.id }, h('span', {}, label), input);
}
