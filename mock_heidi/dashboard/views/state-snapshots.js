// Snapshots: named states to compare with and to restore.

import { control } from '../parts/control.js';
import { ask } from '../parts/dialog.js';
import { fill, h } from '../parts/dom.js';
import { dateAndTime, plain, withCommas } from '../parts/format.js';
import { memo } from '../parts/memo.js';
import { address, go } from '../parts/route.js';
import { attempt, toast } from '../parts/toast.js';
import { differences } from './state-diff.js';
import { restore, undoable } from './state-undo.js';

/** @typedef {{ name: string, at: string, counts: Record<string, number> }} Snapshot */

/** The panel of the snapshots, with the differences of two states. */
export class Snapshots {
  /** @param {AbortSignal} signal */
  constructor(signal) {
    this.signal = signal;
    /** @type {Snapshot[]} */
    this.all = [];
    this.body = h('tbody', {});
    this.table = h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Table of snapshots' }, this.#head());
    this.empty = h('p', { class: 'soft' }, 'No snapshots yet. Take one before a test, and see afterwards what the test has changed.');
    this.name = h('input', { required: true, pattern: '(?!\\.+$)[A-Za-z0-9._\\-]{1,64}', title: 'letters, digits, -, _ and .', autocomplete: 'off', placeholder: 'before-the-test' });
    this.compared = h('div', { class: 'stack compared' });
    this.found = h('div', { class: 'stack' });
    /** The snapshots that are compared; null if none is. @type {[string, string] | null} */
    this.pair = null;
    this.isNew = memo();
  }

  #head() {
    const names = ['Name', 'Taken at', 'Patients', 'Sessions', ''];
    const cells = names.map((text, at) => h('th', { scope: 'col', class: at === 2 || at === 3 ? 'number' : '' }, text || h('span', { class: 'offscreen' }, 'Actions')));
    return h('table', { class: 'snapshots' }, h('thead', {}, h('tr', {}, ...cells)), this.body);
  }

  get element() {
    const submit = (/** @type {Event} */ event) => {
      event.preventDefault();
      this.take(this.name.value);
    };
    const form = h('form', { class: 'line-form', submit }, h('label', { class: 'field' }, h('span', {}, 'Name of a snapshot'), this.name), h('button', {}, 'Take it'));
    return h('section', { class: 'panel', 'aria-labelledby': 'snapshots-title' }, h('h2', { id: 'snapshots-title' }, 'Snapshots'), form, this.empty, this.table, this.compared);
  }

  focus() {
    this.name.focus();
  }

  async load() {
    this.all = (await control('/snapshots', { signal: this.signal })).snapshots;
    this.#draw();
    const { pair } = this;
    if (pair !== null && this.#has(pair)) await this.#compareAgain(pair);
  }

  /** @param {[string, string]} pair */
  #has([from, to]) {
    const isKnown = (/** @type {string} */ name) => this.all.some((one) => one.name === name);
    return isKnown(from) && (to === '' || isKnown(to));
  }

  #draw() {
    const focused = document.activeElement?.getAttribute('aria-label');
    const had = this.body.contains(document.activeElement);
    fill(this.body, ...this.all.map((snapshot) => this.#row(snapshot)));
    this.table.hidden = this.all.length === 0;
    this.empty.hidden = !this.table.hidden;
    const again = [...this.body.querySelectorAll('[aria-label]')].find((one) => one.getAttribute('aria-label') === focused);
    if (had) /** @type {HTMLElement} */ (again ?? this.name).focus();
  }

  /** @param {Snapshot} snapshot */
  #row({ name, at, counts }) {
    const label = plain(name);
    const button = (/** @type {string} */ text, /** @type {() => void} */ click) =>
      h('button', { type: 'button', class: 'quiet', 'aria-label': `${text} ${label}`, click }, text);
    return h(
      'tr',
      {},
      h('th', { scope: 'row' }, label),
      h('td', {}, dateAndTime(at)),
      h('td', { class: 'number' }, withCommas(counts.patient_profiles)),
      h('td', { class: 'number' }, withCommas(counts.sessions)),
      h('td', { class: 'number' }, button('Compare', () => this.#compare(name)), button('Restore', () => this.#restore(name)), button('Delete', () => this.#delete(name))),
    );
  }

  /** @param {string} name */
  async take(name) {
    const known = this.all.some((one) => one.name === name);
    if (known && !(await ask(`There is a snapshot ${plain(name)}. Replace it?`, 'Replace it'))) return;
    const taken = await attempt(() => control(`/snapshots/${encodeURIComponent(name)}`, { method: 'PUT' }));
    if (taken === undefined) return;
    this.name.value = '';
    toast(`The snapshot ${plain(name)} is taken.`);
    await attempt(() => this.load());
  }

  /** @param {string} name */
  #compare(name) {
    const to = address(['state'], { from: name });
    if (location.hash === to) attempt(() => this.#drawDifferences(name, ''));
    else go(to);
  }

  /** @param {string} name */
  async #restore(name) {
    // The one that would be taken before must not replace the one that is restored.
    const before = name === 'before-restore' ? 'before-restore-again' : 'before-restore';
    await attempt(() => undoable(before, () => restore(encodeURIComponent(name)), `The snapshot ${plain(name)} is restored.`));
    await attempt(() => this.load());
  }

  /** @param {string} name */
  async #delete(name) {
    if (!(await ask(`Delete the snapshot ${plain(name)}?`, 'Delete the snapshot'))) return;
    await attempt(() => control(`/snapshots/${encodeURIComponent(name)}`, { method: 'DELETE' }));
    await attempt(() => this.load());
  }

  /**
   * Shows the differences that an address names.
   *
   * @param {import('../parts/route.js').Route} route
   */
  async show(route) {
    const [from, to] = [route.query.get('from'), route.query.get('to') ?? ''];
    this.pair = null;
    if (from === null) fill(this.compared);
    else await attempt(() => this.#drawDifferences(from, to));
  }

  /**
   * @param {string} from
   * @param {string} to empty for the present state
   */
  async #drawDifferences(from, to) {
    await this.#compareAgain((this.pair = [from, to]));
    const others = this.all.filter(({ name }) => name !== from);
    const options = others.map(({ name }) => h('option', { value: name, selected: name === to }, plain(name)));
    const choose = (/** @type {Event} */ event) => go(address(['state'], { from, to: /** @type {HTMLSelectElement} */ (event.target).value }), { replace: true });
    const choice = h('select', { change: choose }, h('option', { value: '' }, 'the present state'), options);
    const close = h('button', { type: 'button', class: 'quiet', click: () => go(address(['state'])) }, 'Close');
    const head = h('header', {}, h('h3', { tabindex: '-1' }, `From the snapshot ${plain(from)} to`), h('label', {}, h('span', { class: 'offscreen' }, 'Compare with'), choice), close);
    fill(this.compared, head, this.found);
    head.querySelector('h3')?.focus();
  }

  /** @param {[string, string]} pair */
  async #compareAgain(pair) {
    const [from, to] = pair;
    const against = to && `?against=${encodeURIComponent(to)}`;
    const found = await control(`/snapshots/${encodeURIComponent(from)}/diff${against}`, { signal: this.signal });
    if (pair === this.pair && this.isNew([pair, found])) fill(this.found, ...differences(found));
  }
}
