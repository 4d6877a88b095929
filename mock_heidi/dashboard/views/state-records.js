// The records of a kind as JSON: a list to search in, and the chosen record beside it.

import { fill, h } from '../parts/dom.js';
import { count, plain, withCommas } from '../parts/format.js';
import { List } from '../parts/list.js';
import { live } from '../parts/live.js';
import { address, current, go } from '../parts/route.js';
import { complain } from '../parts/toast.js';
import { isKind, KINDS, readRows } from './state-kinds.js';
import { RecordPanel } from './state-record.js';

/** @typedef {import('../parts/route.js').Route} Route */

// The pause in ms after the last key of a search.
const TYPED = 200;

/**
 * @param {Route} route
 * @param {AbortSignal} signal
 * @returns {Promise<import('../parts/app.js').View>}
 */
export async function openRecords(route, signal) {
  const browser = new Records(isKind(route.rest[0]) ? route.rest[0] : 'patient_profiles', signal);
  await browser.update(route);
  return {
    title: `${KINDS[browser.kind].label} · State`,
    element: browser.element,
    update: (next) => (next.rest.length === 0 ? false : void browser.update(next).catch(complain)),
    shortcuts: [
      { keys: '/', does: 'Search', act: () => browser.search.focus() },
      { keys: 'e', does: 'Edit the record', act: () => browser.panel.edit() },
    ],
  };
}

class Records {
  /**
   * @param {string} kind
   * @param {AbortSignal} signal
   */
  constructor(kind, signal) {
    this.kind = kind;
    this.signal = signal;
    this.text = '';
    /** @type {any[]} */
    this.rows = [];
    /** @type {string | null} */
    this.loaded = null;
    this.search = h('input', { type: 'search', placeholder: 'Search', 'aria-label': 'Search in the records', input: () => this.#typed() });
    this.choice = h('select', { 'aria-label': 'Kind', change: () => go(address(['state', this.choice.value])) });
    this.total = h('p', { class: 'soft small', role: 'status' });
    this.empty = h('p', { class: 'soft state-records-empty' });
    this.panel = new RecordPanel();
    this.list = new List({
      label: 'Records',
      height: 52,
      key: (row) => this.#key(row),
      draw: (row) => [h('span', {}, plain(KINDS[this.kind].title(row) || 'No name'), h('br'), h('small', { class: 'soft mono' }, plain(this.#key(row))))],
      open: (row) => this.#go(this.#key(row)),
    });
    this.element = h(
      'div',
      { class: 'view full state-records' },
      h('header', { class: 'full-head state-records-head' }, h('h1', {}, h('a', { href: '#/state' }, 'State')), this.total, this.choice, this.search),
      h('div', { class: 'state-records-list' }, this.list.element, this.empty),
      this.panel.element,
    );
    const changed = () => void this.#refresh().catch(complain);
    live.on(['reset', 'state'], debounced(changed, 1000), signal, changed);
  }

  /** @param {any} row */
  #key(row) {
    return KINDS[this.kind].key(row);
  }

  /** @param {string | null} key */
  #go(key, { replace = false } = {}) {
    go(address(['state', this.kind, ...(key === null ? [] : [key])], { text: this.text }), { replace });
  }

  #typed() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      this.text = this.search.value;
      const [, key = null] = current().rest;
      this.#go(key, { replace: true });
    }, TYPED);
  }

  /** @param {Route} route */
  async update(route) {
    const [kind, key = null] = route.rest;
    if (isKind(kind)) this.kind = kind;
    this.text = route.query.get('text') ?? '';
    if (document.activeElement !== this.search) this.search.value = this.text;
    fill(this.choice, Object.entries(KINDS).map(([name, { label }]) => h('option', { value: name, selected: name === this.kind }, label)));
    if (this.loaded !== `${this.kind} ${this.text}`) await this.#load();
    this.element.classList.toggle('has-record', key !== null);
    this.list.selected = key;
    this.list.draw();
    await this.#show(key);
  }

  /** @param {string | null} key */
  async #show(key) {
    await this.panel.show(this.kind, key, this.rows.find((row) => this.#key(row) === key), this.signal);
  }

  async #refresh() {
    await this.#load();
    await this.#show(current().rest[1] ?? null);
  }

  async #load() {
    const wanted = `${this.kind} ${this.text}`;
    const { records, total } = await readRows(this.kind, this.text, this.signal);
    if (wanted !== `${this.kind} ${this.text}`) return;
    this.loaded = wanted;
    this.rows = records;
    this.list.show(records.length, (at) => records[at]);
    this.total.textContent = total > records.length ? `${count(records.length, 'record')} of ${withCommas(total)}: search for the others` : count(total, 'record');
    this.empty.hidden = total > 0;
    this.empty.textContent = this.text ? `No record contains “${plain(this.text)}”.` : 'There are none. Import some in State, or let your client make them.';
  }
}

/**
 * A function that acts once after many calls.
 *
 * @param {() => void} act
 * @param {number} pause ms
 */
function debounced(act, pause) {
  let waits = false;
  return () => {
    if (waits) return;
    waits = true;
    setTimeout(() => ((waits = false), act()), pause);
  };
}
