// The requests as they come, and one of them beside the list.

import { control } from '../parts/control.js';
import { ask } from '../parts/dialog.js';
import { fill, h } from '../parts/dom.js';
import { count, withCommas } from '../parts/format.js';
import { List } from '../parts/list.js';
import { live } from '../parts/live.js';
import { explain } from '../parts/refused.js';
import { address, go } from '../parts/route.js';
import { attempt, complain, toast } from '../parts/toast.js';
import { emptyJournal, nothingFits, refused } from './request-empty.js';
import { HINT, parseFilter, QUICK, readFilter, writeFilter } from './request-filter.js';
import { RequestPanel } from './request.js';
import { cells, columnHeads } from './request-row.js';
import { RequestStore } from './request-store.js';

/** @typedef {import('./request-store.js').Headline} Headline */
/** @typedef {import('./request-filter.js').Filter} Filter */

// The time in ms after the last letter until the filter counts.
const TYPED = 200;

/** @type {import('../parts/app.js').Open} */
export function open(route, signal) {
  const view = new RequestsView(signal);
  view.update(route);
  return {
    title: 'Requests',
    element: view.element,
    update: (to) => view.update(to),
    shortcuts: view.shortcuts(),
  };
}

class RequestsView {
  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.store = new RequestStore(signal, () => this.show());
    /** @type {Headline[] | null} The rows as they were when the list was paused. */
    this.paused = null;
    this.seen = 0;
    /** @type {List<Headline>} */
    this.list = new List({
      label: 'Requests, newest first',
      heads: columnHeads(),
      height: Math.round(2.4 * parseFloat(getComputedStyle(document.documentElement).fontSize)),
      draw: cells,
      key: ({ id }) => id,
      fixed: true,
      open: ({ id }) => this.open(id),
      move: ({ id }) => this.panel.id !== null && this.open(id, { replace: true }),
    });
    this.panel = new RequestPanel(signal, {
      close: () => this.close(),
      open: (id) => this.open(id),
    });
    this.total = h('span', { class: 'soft small', role: 'status' });
    this.box = h('input', {
      type: 'search',
      placeholder: 'Filter',
      'aria-label': 'Filter the requests',
      'aria-describedby': 'filter-hint',
      autocomplete: 'off',
      spellcheck: 'false',
      input: () => this.type(),
      keydown: (/** @type {KeyboardEvent} */ event) => event.key === 'Escape' && this.leaveBox(event),
    });
    this.quick = QUICK.map(([label, name, value]) =>
      h('button', { type: 'button', class: 'quiet', click: () => this.toggle(name, value) }, label),
    );
    this.pauseButton = h('button', { type: 'button', click: () => this.pause() }, 'Pause');
    this.notice = h('div', { class: 'requests-notice' });
    this.element = h('div', { class: 'view full requests' }, this.#listSide(), this.panel.element);
    live.on(['request_started', 'request', 'finding', 'reset'], (events) => this.take(events), signal, () => this.store.load());
    live.addEventListener('state', () => live.state === 'live' && this.store.catchUp(), { signal });
  }

  #listSide() {
    const clear = h('button', { type: 'button', click: () => this.clear() }, 'Clear');
    return h(
      'section',
      { class: 'requests-side', 'aria-label': 'List of requests' },
      h(
        'header',
        { class: 'full-head requests-head' },
        h('h1', {}, 'Requests'),
        this.total,
        this.box,
        h('p', { class: 'small soft', id: 'filter-hint' }, HINT),
        h('div', { class: 'quick', role: 'group', 'aria-label': 'Quick filters' }, ...this.quick),
        h('div', { class: 'buttons' }, clear, this.pauseButton),
      ),
      this.list.element,
      this.notice,
    );
  }

  /** @param {import('../parts/route.js').Route} route */
  update(route) {
    const filter = readFilter(route.query);
    if (!this.store.ready || writeFilter(filter) !== writeFilter(this.store.filter)) this.#filter(filter);
    const id = /^\d+$/.test(route.rest[0] ?? '') ? Number(route.rest[0]) : null;
    this.element.classList.toggle('open', id !== null);
    if (id !== null) this.list.selected = id;
    this.panel.show(id);
    this.list.draw();
  }

  /** @param {Filter} filter */
  #filter(filter) {
    this.paused = null;
    if (writeFilter(parseFilter(this.box.value)) !== writeFilter(filter)) this.box.value = writeFilter(filter);
    this.quick.forEach((button, at) => {
      const [, name, value] = QUICK[at];
      button.setAttribute('aria-pressed', String(filter[name] === value));
    });
    this.list.element.scrollTop = 0;
    this.store.load(filter);
  }

  /** @param {import('../parts/live.js').HeidiEvent[]} events */
  take(events) {
    this.store.take(events);
    this.panel.take(events);
  }

  show() {
    const { rows, added, error } = this.store;
    const shown = this.paused ?? rows;
    this.list.show(shown.length, (index) => shown[shown.length - 1 - index], this.paused ? 0 : added - this.seen);
    if (this.paused === null) this.seen = added;
    fill(this.total, withCommas(shown.length), h('span', { class: 'offscreen' }, ' requests'));
    const waiting = added - this.seen;
    this.pauseButton.textContent = this.paused === null ? 'Pause' : `Resume (${withCommas(waiting)} new)`;
    this.pauseButton.setAttribute('aria-pressed', String(this.paused !== null));
    this.#explain(shown.length, error);
  }

  /**
   * Says why the list is empty, or asks for the admin token in place of the view.
   *
   * @param {number} length
   * @param {any} error
   */
  #explain(length, error) {
    if (error?.needsToken) {
      fill(this.element, explain(error, () => this.store.load()));
      return;
    }
    const hasFilter = Object.keys(this.store.filter).length > 0;
    const state = error ? `error ${error.message}` : length > 0 ? 'rows' : hasFilter ? 'filter' : 'empty';
    this.list.element.hidden = state !== 'rows';
    if (state === this.notice.dataset.state) return;
    this.notice.dataset.state = state;
    fill(this.notice);
    if (error) fill(this.notice, refused(error));
    else if (state === 'filter') fill(this.notice, nothingFits(() => this.#goTo({})));
    else if (state === 'empty') {
      emptyJournal().then((teaching) => this.notice.dataset.state === 'empty' && fill(this.notice, teaching), complain);
    }
  }

  /**
   * @param {Filter} filter
   * @param {number | null} id
   * @param {boolean} replace
   */
  #goTo(filter, id = this.panel.id, replace = true) {
    go(address(id === null ? ['requests'] : ['requests', id], filter), { replace });
  }

  /**
   * @param {number} id
   * @param {{ replace?: boolean }} how
   */
  open(id, { replace = this.panel.id !== null } = {}) {
    this.#goTo(this.store.filter, id, replace);
  }

  close() {
    if (this.panel.id === null) return;
    this.#goTo(this.store.filter, null, false);
    this.list.element.focus();
  }

  /** @param {KeyboardEvent} event */
  leaveBox(event) {
    // Else the browser empties the box.
    event.preventDefault();
    this.box.blur();
    this.list.element.focus();
  }

  type() {
    clearTimeout(this.typed);
    this.typed = setTimeout(() => this.#goTo(parseFilter(this.box.value)), TYPED);
  }

  /**
   * @param {string} name
   * @param {string} value
   */
  toggle(name, value) {
    clearTimeout(this.typed);
    const { [name]: old, ...others } = parseFilter(this.box.value);
    this.#goTo(old === value ? others : { ...others, [name]: value });
  }

  pause() {
    this.paused = this.paused === null ? [...this.store.rows] : null;
    this.show();
  }

  async clear() {
    const all = this.store.rows.length;
    if (all === 0 || !(await ask('Clear all requests of this namespace?', 'Clear the requests'))) return;
    const { cleared } = (await attempt(() => control('/requests', { method: 'DELETE' }))) ?? {};
    if (cleared === undefined) return;
    toast(`${count(cleared, 'request')} cleared`);
    this.paused = null;
    this.#goTo(this.store.filter, null);
    this.store.load();
  }

  /** @returns {import('../parts/keys.js').Shortcut[]} */
  shortcuts() {
    const { list, panel } = this;
    const step = (/** @type {number} */ index) => {
      // The list hears Enter and the arrows.
      list.element.focus();
      list.step(index);
    };
    return [
      { keys: 'j', does: 'Select the next request (or ↓ in the list)', act: () => step(list.index + 1) },
      { keys: 'k', does: 'Select the request before (or ↑ in the list)', act: () => step(Math.max(list.index, 1) - 1) },
      { keys: 'Enter', does: 'Open the selected request' },
      { keys: 'Escape', does: 'Close the request', act: () => this.close() },
      { keys: '/', does: 'Go to the filter', act: () => this.box.focus() },
      { keys: 'p', does: 'Pause or resume the list', act: () => this.pause() },
      { keys: 'r', does: 'Send the open request again', act: () => panel.replay() },
      { keys: 'c', does: 'Copy the open request as curl', act: () => panel.copyCurl() },
      { keys: '← →', does: 'Step through the pieces of a stream, at its time line' },
    ];
  }
}
