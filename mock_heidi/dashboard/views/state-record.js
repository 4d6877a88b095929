// One record as JSON, to read, to copy and to edit.

import { control, Refusal } from '../parts/control.js';
import { copyButton } from '../parts/copy.js';
import { isObject, own } from '../parts/diff.js';
import { fill, h } from '../parts/dom.js';
import { plain } from '../parts/format.js';
import { jsonView } from '../parts/json.js';
import { address } from '../parts/route.js';
import { sentence, toast } from '../parts/toast.js';
import { KINDS, pathOf } from './state-kinds.js';

/** The panel of a record. */
export class RecordPanel {
  element = h('section', { class: 'state-record', 'aria-label': 'Record' });
  kind = '';
  /** @type {string | null} */
  key = null;
  /** @type {any} */
  record = null;
  editing = false;

  /**
   * Shows a record, as it is now. A record that is being edited stays as it is.
   *
   * @param {string} kind
   * @param {string | null} key null to show how to choose one
   * @param {any} row the record of a kind that comes whole
   * @param {AbortSignal} signal
   */
  async show(kind, key, row, signal) {
    if (this.editing && this.kind === kind && this.key === key) return;
    Object.assign(this, { kind, key, editing: false });
    if (key === null) {
      fill(this.element, h('p', { class: 'soft' }, 'Choose a record to see all its fields.'));
      return;
    }
    try {
      const record = KINDS[kind].listed ? await control(pathOf(kind, key), { signal }) : row;
      if (this.kind !== kind || this.key !== key) return;
      if (JSON.stringify(record ?? null) === JSON.stringify(this.record) && this.element.querySelector('.json')) return;
      this.record = record ?? null;
      this.#draw();
    } catch (error) {
      if (error instanceof Refusal) fill(this.element, h('p', { role: 'alert' }, sentence(error.message)));
      else throw error;
    }
  }

  #draw() {
    this.editing = false;
    if (this.record === null) {
      fill(this.element, h('p', { role: 'alert' }, 'There is no such record.'));
      return;
    }
    const { view, listed, label } = KINDS[this.kind];
    const edit = listed && h('button', { type: 'button', click: () => this.edit() }, 'Edit');
    const comfort = view && this.key !== null && h('a', { class: 'button', href: address([view, this.key]) }, `Open in ${label === 'Sessions' ? 'Sessions' : 'Patients'}`);
    const fixed = !listed && h('p', { class: 'soft small' }, 'An import changes records of this kind.');
    const back = h('a', { class: 'button back', href: address(['state', this.kind]) }, 'All records');
    const buttons = h('div', { class: 'buttons' }, back, edit, comfort, copyButton(JSON.stringify(this.record, null, 2), 'Copy', 'Copy the record'));
    fill(this.element, buttons, h('h2', { class: 'mono' }, plain(this.key ?? '')), fixed, jsonView(this.record));
  }

  /** Shows the record as text that can be changed. */
  edit() {
    if (this.record === null || !KINDS[this.kind].listed) return;
    this.editing = true;
    const text = h('textarea', { class: 'mono state-record-text', spellcheck: 'false', 'aria-label': 'The record as JSON' });
    text.value = JSON.stringify(this.record, null, 2);
    const problem = h('p', { class: 'wrong-text', role: 'alert' });
    const submit = async (/** @type {Event} */ event) => {
      event.preventDefault();
      problem.textContent = '';
      try {
        await this.#save(JSON.parse(text.value));
      } catch (error) {
        problem.textContent = explain(error);
      }
    };
    const buttons = h('div', { class: 'buttons' }, h('button', { class: 'primary' }, 'Save'), h('button', { type: 'button', click: () => this.#draw() }, 'Cancel'));
    fill(this.element, h('form', { class: 'stack', submit }, h('h2', { class: 'mono' }, plain(this.key ?? '')), text, problem, buttons));
    text.focus();
    text.setSelectionRange(0, 0);
  }

  /** @param {any} changed */
  async #save(changed) {
    if (!isObject(changed)) throw new TypeError('a record is an object');
    const patch = mergePatch(this.record, changed);
    this.record = await control(pathOf(this.kind, this.key ?? ''), { method: 'PATCH', body: patch });
    this.#draw();
    this.element.querySelector('button')?.focus();
    toast(Object.keys(patch).length === 0 ? 'Nothing has changed.' : 'The record is saved.');
  }
}

/** @param {unknown} error */
function explain(error) {
  if (error instanceof SyntaxError) return `This is not JSON: ${error.message}.`;
  const hint = error instanceof Refusal && error.hint ? ` ${sentence(error.hint)}` : '';
  return sentence(error instanceof Error ? error.message : String(error)) + hint;
}

/**
 * The JSON merge patch that makes one object of another. A field that is gone becomes null, its default.
 *
 * @param {any} before
 * @param {any} after
 * @returns {Record<string, unknown>}
 */
export function mergePatch(before, after) {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const values = [...names].map((name) => ({ name, old: own(before, name), now: own(after, name) ?? null }));
  const changed = values.filter(({ old, now }) => JSON.stringify(old) !== JSON.stringify(now));
  return Object.fromEntries(changed.map(({ name, old, now }) => [name, isObject(old) && isObject(now) ? mergePatch(old, now) : now]));
}
