// The parts of the builder that select requests and say how often a rule acts.

import { fill, h } from '../parts/dom.js';
import { written } from './fault-arguments.js';
import { field, worded } from './fault-field.js';

/** @typedef {import('./fault-field.js').Field} Field */
/** @typedef {import('./fault-arguments.js').Schema} Schema */
/** @typedef {{ name: string, doc: string, example: unknown, schema: Schema }} RuleField */
/** @typedef {Record<string, any>} Rule */

/** @type {Record<string, string>} */
const LABELS = {
  method: 'Method',
  path: 'Path',
  session_id: 'Session',
  header: 'Header',
  match: 'Body contains',
  times: 'At most',
  after: 'After',
  every: 'Every',
  nth: 'Only number',
  probability: 'Chance',
  ttl: 'For',
  label: 'Label',
  id: 'Id',
};

/**
 * Fields by their names.
 *
 * @param {RuleField[]} known
 * @param {string[]} names
 * @param {() => void} changed
 * @returns {Field[]}
 */
export function fieldsOf(known, names, changed) {
  return names.flatMap((name) => {
    const one = known.find((row) => row.name === name);
    return one ? field(name, one.schema, { label: LABELS[name], help: worded(one.doc), example: written(one.example), changed }) : [];
  });
}

/**
 * The choice of operations, or of a method and a path.
 *
 * @param {RuleField[]} known
 * @param {() => void} changed
 */
export function whichRequests(known, changed) {
  const operations = known.find(({ name }) => name === 'operation')?.schema.anyOf?.[0].enum ?? [];
  const [method, path] = fieldsOf(known, ['method', 'path'], changed);
  /** @type {string[]} */
  let chosen = [];
  let mode = 'operations';
  const chips = h('ul', { class: 'chips', 'aria-label': 'Chosen operations' });
  const reason = h('span', { class: 'refusal', role: 'status' });
  const more = h('select', { id: 'field-operation', 'aria-describedby': 'help-operation', change: add });
  const ofOperations = h(
    'div',
    { class: 'field wide' },
    h('label', { for: 'field-operation' }, 'Operation'),
    more,
    h('span', { class: 'help', id: 'help-operation' }, 'Choose one or more. Without one, every request is meant.'),
    chips,
    reason,
  );
  const ofPath = h('div', { class: 'form wide' }, method.element, path.element);
  const modes = h('div', { class: 'segments wide', role: 'group', 'aria-label': 'Which requests' });

  function add() {
    chosen = [...new Set([...chosen, more.value].filter(Boolean))];
    draw();
    changed();
  }

  /** @param {string} name */
  function remove(name) {
    chosen = chosen.filter((one) => one !== name);
    draw();
    changed();
    more.focus();
  }

  /** @param {string} wanted */
  function use(wanted) {
    mode = wanted;
    draw();
    changed();
  }

  function draw() {
    const left = operations.filter((name) => !chosen.includes(name));
    fill(more, h('option', { value: '' }, chosen.length > 0 ? 'Add another…' : 'Any operation'), left.map((name) => h('option', { value: name }, name)));
    fill(chips, chosen.map((name) => h('li', {}, name, h('button', { type: 'button', class: 'quiet', 'aria-label': `Without ${name}`, click: () => remove(name) }, '×'))));
    chips.hidden = chosen.length === 0;
    ofOperations.hidden = mode !== 'operations';
    ofPath.hidden = mode !== 'path';
    const button = (/** @type {string} */ name, /** @type {string} */ label) =>
      h('button', { type: 'button', 'aria-pressed': String(mode === name), click: () => use(name) }, label);
    fill(modes, button('operations', 'By operation'), button('path', 'By path'));
  }

  return {
    elements: [modes, ofOperations, ofPath],
    fields: [method, path],
    /** @returns {Rule} */
    read() {
      if (mode === 'path') return { method: method.value, path: path.value };
      return { operation: chosen.length > 1 ? chosen : chosen[0] };
    },
    /** @param {Rule} rule */
    write(rule) {
      mode = rule.path !== undefined || rule.method !== undefined ? 'path' : 'operations';
      chosen = [rule.operation ?? []].flat();
      method.value = rule.method;
      path.value = rule.path;
      draw();
    },
    /** @param {string} text */
    refuse: (text) => void (reason.textContent = text),
  };
}
