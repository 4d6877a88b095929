// The part of the builder that chooses what goes wrong.

import { fill, h } from '../parts/dom.js';
import { isFlag, mayBeEmpty } from './fault-arguments.js';
import { field, Missing, worded } from './fault-field.js';

/** @typedef {import('./fault-field.js').Field} Field */
/** @typedef {{ name: string, description: string, works_on: string, operations: string[], short_form: string, schema: import('./fault-arguments.js').Schema }} Effect */
/** @typedef {Record<string, any>} Rule */

/** @type {Record<string, string>} */
const GROUPS = {
  'any answer': 'Any answer',
  'whole bodies': 'Whole bodies',
  streams: 'Streams',
  'written text': 'Written text',
  codes: 'Clinical codes',
};
const FEW = 8;

/**
 * @param {Effect[]} effects
 * @param {() => void} changed
 */
export function effectChoice(effects, changed) {
  /** The chosen effects by name, in the order in which they were chosen. @type {Map<string, Field>} */
  const chosen = new Map();
  /** @type {Map<string, HTMLElement>} */
  const buttons = new Map();
  const cards = h('div', { class: 'effect-cards' });

  for (const effect of effects) {
    const press = () => (chosen.has(effect.name) ? remove(effect.name) : (add(effect), chosen.get(effect.name)?.element.querySelector('input, select')));
    const click = () => {
      const input = press();
      draw();
      changed();
      if (input instanceof HTMLElement) input.focus();
    };
    buttons.set(effect.name, h('button', { type: 'button', class: 'effect', title: worded(effect.description), click }, effect.name));
  }

  /** @param {Effect} effect */
  function add(effect) {
    chosen.set(effect.name, isFlag(effect.schema) ? flag(effect, () => drop(effect.name)) : card(effect, changed, () => drop(effect.name)));
  }

  /** @param {string} name */
  function remove(name) {
    chosen.delete(name);
    return null;
  }

  /** @param {string} name */
  function drop(name) {
    remove(name);
    draw();
    changed();
    buttons.get(name)?.focus();
  }

  function draw() {
    for (const [name, button] of buttons) button.setAttribute('aria-pressed', String(chosen.has(name)));
    fill(cards, [...chosen.values()].map(({ element }) => element));
    cards.hidden = chosen.size === 0;
  }

  const groups = Object.entries(GROUPS).map(([where, title]) => {
    const rows = effects.filter((effect) => effect.works_on === where);
    return h(
      'div',
      { class: 'effect-group', role: 'group', 'aria-label': title },
      h('h3', {}, title, ' ', h('span', {}, rows.length > 0 ? operationsOf(rows[0]) : '')),
      h('div', { class: 'effects' }, rows.map(({ name }) => buttons.get(name))),
    );
  });

  return {
    elements: [cards, ...groups],
    get fields() {
      return [...chosen.values()];
    },
    /** @returns {Rule} */
    read() {
      return Object.fromEntries([...chosen].map(([name, one]) => [name, one.value]));
    },
    /** @param {Rule} rule */
    write(rule) {
      chosen.clear();
      for (const name of Object.keys(rule)) {
        const effect = effects.find((one) => one.name === name);
        // A flag that is off is no effect.
        if (effect === undefined || rule[name] === false) continue;
        add(effect);
        const made = chosen.get(name);
        if (made && !isFlag(effect.schema)) made.value = rule[name];
      }
      draw();
    },
  };
}

/**
 * @param {Effect} effect
 * @param {() => void} changed
 * @param {() => void} drop
 * @returns {Field}
 */
function card(effect, changed, drop) {
  const [, example = ''] = effect.short_form.split(/=(.*)/s);
  const made = field(effect.name, effect.schema, { help: worded(effect.description), example, changed });
  made.element.append(dropButton(effect.name, drop));
  return {
    name: effect.name,
    element: made.element,
    get value() {
      const { value } = made;
      if (value !== undefined) return value;
      if (mayBeEmpty(effect.schema)) return true;
      throw new Missing(`give a value, such as ${example}`);
    },
    set value(value) {
      made.value = value;
    },
    refuse: made.refuse,
  };
}

/**
 * An effect that is only switched on.
 *
 * @param {Effect} effect
 * @param {() => void} drop
 * @returns {Field}
 */
function flag(effect, drop) {
  const reason = h('span', { class: 'refusal', role: 'status' });
  const element = h('div', { class: 'field' }, h('strong', {}, effect.name), h('span', { class: 'help' }, worded(effect.description)), reason, dropButton(effect.name, drop));
  return { name: effect.name, element, value: true, refuse: (text) => void (reason.textContent = text) };
}

/**
 * @param {string} name
 * @param {() => void} drop
 */
function dropButton(name, drop) {
  return h('button', { type: 'button', class: 'quiet drop', 'aria-label': `Without ${name}`, click: drop }, '×');
}

/** @param {Effect} effect */
function operationsOf({ operations }) {
  return operations.length > FEW ? '' : operations.join(', ');
}
