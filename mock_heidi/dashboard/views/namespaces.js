// The namespaces of the server, with their activity.

import { control, here } from '../parts/control.js';
import { ask, openDialog } from '../parts/dialog.js';
import { h } from '../parts/dom.js';
import { count, plain, span, withCommas } from '../parts/format.js';
import { live } from '../parts/live.js';
import { attempt, toast } from '../parts/toast.js';

/** @typedef {{ name: string, counts: Record<string, number>, journal: string, strict: boolean, idle: number }} Row */

// Other namespaces send this page no events, so they are asked for so often (ms) while the page is visible.
const AGAIN = 5000;
const FEW = 50;

/** The panel of the namespaces. Rows are changed in place, so that a focused button stays. */
export class Namespaces {
  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.signal = signal;
    /** @type {Row[]} */
    this.all = [];
    /** @type {Map<string, HTMLTableRowElement>} */
    this.rows = new Map();
    this.whole = false;
    this.body = h('tbody', {});
    this.more = h('button', { type: 'button', hidden: true, click: () => ((this.whole = true), this.#draw()) });
    const refresh = () => document.hidden || this.load().catch(() => undefined);
    const timer = setInterval(refresh, AGAIN);
    signal.addEventListener('abort', () => clearInterval(timer));
    document.addEventListener('visibilitychange', refresh, { signal });
    live.on(['namespace', 'reset'], refresh, signal, refresh);
  }

  get element() {
    const head = ['Name', 'Patients', 'Sessions', 'Requests', 'Last used', ''].map((text, at) =>
      h('th', { scope: 'col', class: at > 0 && at < 4 ? 'number' : '' }, text || h('span', { class: 'offscreen' }, 'Delete')),
    );
    const table = h('table', { class: 'namespaces' }, h('thead', {}, h('tr', {}, ...head)), this.body);
    return h(
      'section',
      { class: 'panel', 'aria-labelledby': 'namespaces-title' },
      h('header', { class: 'view-head' }, h('h2', { id: 'namespaces-title' }, 'Namespaces'), h('div', { class: 'buttons' }, h('button', { type: 'button', click: () => this.make() }, 'New namespace'))),
      h('p', { class: 'soft' }, 'Each is a whole Heidi with its own records, clock, faults and requests. Give one to each test run or developer.'),
      h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Table of namespaces' }, table),
      this.more,
    );
  }

  /** The row of the page's namespace. */
  get own() {
    return this.all.find(({ name }) => name === here.namespace);
  }

  async load() {
    this.all = (await control('/namespaces', { signal: this.signal })).namespaces;
    this.#draw();
  }

  #draw() {
    const order = (/** @type {Row} */ row) => (row.name === here.namespace ? -1 : row.idle);
    const sorted = this.all.toSorted((a, b) => order(a) - order(b));
    const shown = this.whole ? sorted : sorted.slice(0, FEW);
    const names = new Set(shown.map(({ name }) => name));
    for (const [name, row] of this.rows) {
      if (names.has(name)) continue;
      row.remove();
      this.rows.delete(name);
    }
    for (const row of shown) this.#row(row);
    this.more.hidden = shown.length === this.all.length;
    this.more.textContent = `Show all ${count(this.all.length, 'namespace')}`;
  }

  /** @param {Row} row */
  #row(row) {
    const element = this.rows.get(row.name) ?? this.#newRow(row.name);
    const texts = [row.counts.patient_profiles, row.counts.sessions, row.counts.requests].map(withCommas);
    for (const [at, text] of [...texts, ago(row.idle)].entries()) {
      if (element.cells[at + 1].textContent !== text) element.cells[at + 1].textContent = text;
    }
  }

  /** @param {string} name */
  #newRow(name) {
    const isOwn = name === here.namespace;
    const title = isOwn ? h('strong', {}, plain(name)) : h('a', { href: `${dashboard(name)}#/now` }, plain(name));
    const label = `Delete the namespace ${plain(name)}`;
    const remove = name === 'default' ? null : h('button', { type: 'button', class: 'quiet', 'aria-label': label, click: () => this.drop(name) }, 'Delete');
    const row = h(
      'tr',
      {},
      h('th', { scope: 'row' }, title, isOwn && h('span', { class: 'badge accent' }, 'this page')),
      ...[0, 1, 2].map(() => h('td', { class: 'number' })),
      h('td', {}),
      h('td', { class: 'number' }, remove),
    );
    this.rows.set(name, row);
    this.body.append(row);
    return row;
  }

  /** @param {string} name */
  async drop(name) {
    if (!(await ask(`Delete the namespace ${plain(name)} with all its records?`, 'Delete the namespace'))) return;
    const done = await attempt(() => control(`/namespaces/${encodeURIComponent(name)}`, { method: 'DELETE' }));
    if (done === undefined) return;
    toast(`The namespace ${plain(name)} is deleted.`);
    if (name === here.namespace) location.href = `${dashboard('default')}#/now`;
    else await attempt(() => this.load());
  }

  /** Asks how a new namespace starts, and makes it. */
  make() {
    const name = h('input', { name: 'name', required: true, pattern: '(?!\\.+$)[A-Za-z0-9._\\-]{1,64}', autofocus: true, placeholder: 'checkout', autocomplete: 'off' });
    const copies = this.all.map((row) => h('option', { value: `from ${row.name}` }, `A copy of ${plain(row.name)}`));
    const content = h('select', {}, h('option', { value: 'start' }, "The server's fixtures"), h('option', { value: 'empty' }, 'No patients and sessions'), ...copies);
    const linked = h('input', { type: 'checkbox' });
    const strict = h('input', { type: 'checkbox', checked: this.own?.strict });
    const options = h('div', { class: 'wide checks' }, h('label', {}, linked, ' The user is linked to a Heidi account'), h('label', {}, strict, ' Strict: refuse what no page documents'));
    content.addEventListener('change', () => (options.hidden = content.value.startsWith('from ')));
    const submit = async (/** @type {Event} */ event) => {
      event.preventDefault();
      const start = { linked: linked.checked, strict: strict.checked, ...(content.value === 'empty' ? { fixtures: 'empty' } : {}) };
      const from = content.value.startsWith('from ') ? content.value.slice(5) : null;
      if (await this.#create(name.value, from, start)) dialog.close();
    };
    const dialog = openDialog(
      'New namespace',
      h(
        'form',
        { class: 'form', submit },
        h('label', { class: 'field' }, h('span', {}, 'Name: letters, digits, -, _ and .'), name),
        h('label', { class: 'field' }, h('span', {}, 'It starts with'), content),
        options,
        h('div', { class: 'buttons' }, h('button', { class: 'primary' }, 'Create it')),
      ),
    );
  }

  /**
   * @param {string} name
   * @param {string | null} from
   * @param {object} start
   */
  async #create(name, from, start) {
    await attempt(() => this.load());
    const known = this.all.some((row) => row.name === name);
    if (known && !(await ask(`There is a namespace ${plain(name)}. Replace it?`, 'Replace it'))) return false;
    const path = `/namespaces/${encodeURIComponent(name)}${from === null ? '' : `?from=${encodeURIComponent(from)}`}`;
    const made = await attempt(() => control(path, { method: 'POST', body: from === null ? start : undefined }));
    if (made === undefined) return false;
    toast(`The namespace ${plain(name)} is ready.`, { action: 'Open it', act: () => location.assign(`${dashboard(name)}#/now`) });
    await attempt(() => this.load());
    return true;
  }
}

/** @param {string} name */
function dashboard(name) {
  return `${here.root}${name === 'default' ? '' : `/ns/${encodeURIComponent(name)}`}/_mock/`;
}

/** @param {number} seconds */
function ago(seconds) {
  return seconds < 10 ? 'now' : `${span(seconds)} ago`;
}
