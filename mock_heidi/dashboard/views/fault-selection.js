// The parts of the builder that select requests and say how often a rule acts.

import { fill, h } from '../parts/dom.js';
import { field } from './fault-field.js';

/** @typedef {import('./fault-field.js').Field} Field */
/** @typedef {Record<string, any>} Rule */

const METHODS = ['GET', 'POST', 'PATCH', 'PUT', 'DELETE', 'HEAD', 'OPTIONS'];
const TEXT = { type: 'string' };
const WHOLE = { type: 'integer' };

/**
 * The choice of operations, or of a method and a path.
 *
 * @param {string[]} operations all of them
 * @param {() => void} changed
 */
export function whichRequests(operations, changed) {
  /** @type {string[]} */
  let chosen = [];
  let mode = 'operations';
  const method = field('method', { enum: METHODS }, { label: 'Method', changed });
  const path = field('path', TEXT, { label: 'Path', example: '/sessions/{session_id}', help: 'Below the base path. {name} is one segment, * is anything.', changed });
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

/**
 * @param {() => void} changed
 * @returns {Field[]}
 */
export function requestFields(changed) {
  return [
    field('session_id', TEXT, { label: 'Session', example: '1234567890', changed }),
    field('header', { anyOf: [TEXT, { type: 'object' }] }, { label: 'Header', example: 'X-Client:mobile', help: '* is any value.', changed }),
    field('match', { type: 'object' }, { label: 'Body contains', example: '{"voice_style": "BRIEF"}', changed }),
  ];
}

/**
 * @param {() => void} changed
 * @returns {Field[]}
 */
export function limitFields(changed) {
  return [
    field('times', WHOLE, { label: 'At most', example: '1', help: 'times', changed }),
    field('after', WHOLE, { label: 'After', example: '5', help: 'requests that pass first', changed }),
    field('every', WHOLE, { label: 'Every', example: '3', help: 'Every third: requests 1, 4, 7.', changed }),
    field('nth', { anyOf: [WHOLE, { type: 'array', items: WHOLE }] }, { label: 'Only number', example: '2, 5', help: 'of the requests that match', changed }),
    field('probability', { type: 'number' }, { label: 'Chance', example: '0.1', help: 'from 0 to 1; it repeats with the seed', changed }),
    field('ttl', { type: 'number' }, { label: 'For', example: '60', help: 'seconds, then the rule is removed', changed }),
  ];
}

/**
 * @param {() => void} changed
 * @returns {Field[]}
 */
export function nameFields(changed) {
  return [
    field('label', TEXT, { label: 'Label', example: 'outage', help: 'A name for people.', changed }),
    field('id', TEXT, { label: 'Id', example: 'mine', help: 'Without one the server chooses it.', changed }),
  ];
}
