// A form of the fields of a record. Changes that come from elsewhere join what a person is typing.

import { Refusal } from './control.js';
import { fill, h } from './dom.js';
import { entry, located, shown, value } from './fields.js';
import { complain, sentence } from './toast.js';

/** @typedef {import('./fields.js').Field} Field */
/** @typedef {import('./fields.js').Input} Input */

/**
 * @typedef {object} FormOptions
 * @property {Field[]} fields
 * @property {Record<string, any>} record
 * @property {string} save what the button says
 * @property {(changes: Record<string, any>) => Promise<any>} send sends the changed fields and returns the record
 * @property {string} key what tells this form from others: unsaved text is kept under it while another view is open
 * @property {AbortSignal} signal
 */

/** @type {Map<string, Map<string, string>>} */
const unsaved = new Map();

export class RecordForm {
  /** @param {FormOptions} options */
  constructor(options) {
    this.options = options;
    this.record = options.record;
    /** @type {Map<string, Input>} */
    this.inputs = new Map();
    /** @type {Map<string, HTMLElement>} */
    this.problems = new Map();
    /** @type {Map<string, string>} */
    this.sent = new Map();
    this.notice = h('div', { class: 'notice wide', role: 'status', hidden: true });
    this.saving = h('button', { class: 'primary' }, options.save);
    this.undoing = h('button', { type: 'button', click: () => this.load() }, 'Discard changes');
    this.element = h(
      'form',
      { class: 'form', novalidate: true, submit: this.#submit, input: () => this.#marks(), keydown: this.#press },
      this.notice,
      ...options.fields.map((field) => this.#field(field)),
      h('div', { class: 'buttons' }, this.saving, this.undoing),
    );
    this.load();
    for (const [name, text] of unsaved.get(options.key) ?? []) this.#set(name, text);
    this.#marks();
    options.signal.addEventListener('abort', () => {
      unsaved.delete(options.key);
      const texts = new Map(this.changed.map(({ name }) => [name, this.#text(name)]));
      if (texts.size > 0) unsaved.set(options.key, texts);
    });
  }

  /** The fields whose text differs from the record. */
  get changed() {
    return this.options.fields.filter((field) => this.#text(field.name) !== shown(field, this.record[field.name]));
  }

  /** Shows the record and forgets what was typed. */
  load() {
    for (const field of this.options.fields) this.#set(field.name, shown(field, this.record[field.name]));
    this.notice.hidden = true;
    this.#refuse(new Map());
    this.#marks();
  }

  /**
   * Types a text into a field.
   *
   * @param {string} name
   * @param {string} text
   */
  type(name, text) {
    this.#set(name, text);
    this.#marks();
  }

  /**
   * Takes a newer form of the record. Fields that nobody has touched follow it; typed text stays.
   *
   * @param {Record<string, any>} record
   */
  take(record) {
    const typed = this.changed;
    const before = this.record;
    this.record = record;
    for (const field of this.options.fields) {
      if (!typed.includes(field)) this.#set(field.name, shown(field, record[field.name]));
    }
    const both = typed.filter((field) => shown(field, before[field.name]) !== shown(field, record[field.name]));
    this.#marks();
    if (both.some((field) => this.changed.includes(field))) this.#tell(both);
  }

  /** @param {Field[]} fields */
  #tell(fields) {
    const names = fields.map(({ label }) => label).join(', ');
    this.notice.hidden = false;
    this.notice.classList.remove('wrong');
    fill(
      this.notice,
      h('span', {}, `The record changed meanwhile: ${names}. Your text is still here, and saving it replaces the change.`),
      h('button', { type: 'button', click: () => this.load() }, 'Load the change'),
    );
  }

  /** @param {Field} field */
  #field(field) {
    const input = entry(field);
    const problem = h('span', { class: 'problem', role: 'alert', id: `problem-${field.name}` });
    input.setAttribute('aria-describedby', problem.id);
    this.inputs.set(field.name, input);
    this.problems.set(field.name, problem);
    const isWide = field.wide || field.kind === 'area' || field.kind === 'json';
    return h(
      'div',
      { class: isWide ? 'field wide' : 'field' },
      h('label', { class: 'field' }, h('span', {}, field.label), input),
      field.hint && h('span', { class: 'hint small soft' }, field.hint),
      problem,
    );
  }

  /** @param {string} name */
  #text(name) {
    return this.inputs.get(name)?.value ?? '';
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  #set(name, text) {
    const input = this.inputs.get(name);
    if (input === undefined) return;
    if (input instanceof HTMLSelectElement && ![...input.options].some(({ value }) => value === text)) {
      input.append(h('option', { value: text }, text));
    }
    if (input.value !== text) input.value = text;
  }

  #marks() {
    const changed = new Set(this.changed.map(({ name }) => name));
    for (const [name, input] of this.inputs) input.classList.toggle('changed', changed.has(name));
    this.undoing.hidden = changed.size === 0;
  }

  #press = (/** @type {KeyboardEvent} */ event) => {
    if (event.key === 'Enter' && (event.ctrlKey || event.metaKey)) this.element.requestSubmit();
  };

  #submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    this.#refuse(new Map());
    if (this.notice.classList.contains('wrong')) this.notice.hidden = true;
    this.saving.disabled = true;
    try {
      const changes = this.#changes();
      if (changes) this.#saved(await this.options.send(changes));
    } catch (error) {
      const places = error instanceof Refusal ? located(error, this.options.fields) : new Map();
      if (places.size > 0) this.#refuse(places);
      else this.#explain(error);
    } finally {
      this.saving.disabled = false;
    }
  };

  /**
   * Shows a saved record. Text that was typed while it was saved stays.
   *
   * @param {any} record
   */
  #saved(record) {
    this.take(record);
    for (const [name, text] of this.sent) {
      const field = this.options.fields.find((one) => one.name === name);
      if (field && this.#text(name) === text) this.#set(name, shown(field, record[name]));
    }
    this.notice.hidden = true;
    this.#marks();
  }

  /** The changed fields as values, or undefined if a text cannot be sent. */
  #changes() {
    /** @type {Record<string, any>} */
    const changes = {};
    this.sent.clear();
    for (const field of this.changed) {
      this.sent.set(field.name, this.#text(field.name));
      try {
        changes[field.name] = value(field, this.#text(field.name));
      } catch (error) {
        this.#refuse(new Map([[field.name, /** @type {Error} */ (error).message]]));
        return undefined;
      }
    }
    return changes;
  }

  /**
   * Shows a refusal that belongs to no field. A message at the edge of the page would lie behind a dialog.
   *
   * @param {unknown} error
   */
  #explain(error) {
    if (!(error instanceof Refusal)) {
      complain(error);
      return;
    }
    this.notice.hidden = false;
    this.notice.classList.add('wrong');
    fill(this.notice, [sentence(error.message), error.hint && sentence(error.hint)].filter(Boolean).join(' '));
  }

  /** @param {Map<string, string>} places the problems by field */
  #refuse(places) {
    for (const [name, element] of this.problems) {
      element.textContent = places.get(name) ?? '';
      if (places.has(name)) this.inputs.get(name)?.setAttribute('aria-invalid', 'true');
      else this.inputs.get(name)?.removeAttribute('aria-invalid');
    }
    const [first] = places.keys();
    if (first) this.inputs.get(first)?.focus();
  }
}
