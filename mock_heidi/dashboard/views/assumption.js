// One assumption: a line that opens, with its values, reasons and requests.

import { fill, h } from '../parts/dom.js';
import { count } from '../parts/format.js';
import { address } from '../parts/route.js';

/** @typedef {string | number | boolean} Value */
/** @typedef {{ name: string, decides: string, value: Value, default: Value, alternatives: Value[], any_number: number | null, why: string, sources: string[], operations: string[], advice: string | null }} Assumption */

const MANY = 31;

/**
 * @param {Assumption} first
 * @param {(one: Assumption, value: Value) => void} choose
 * @param {(name: string, isOpen: boolean) => void} opened
 */
export function assumptionRow(first, choose, opened) {
  let one = first;
  let met = 0;
  const value = h('code', { class: 'assumption-value' });
  const marks = h('span', { class: 'assumption-marks' });
  const choices = h('div');
  const metBy = h('dd');
  const element = h(
    'details',
    { class: 'assumption', 'data-name': one.name, toggle },
    h('summary', {}, h('code', {}, one.name), marks, value, h('span', { class: 'soft assumption-decides' }, one.decides)),
  );

  function toggle() {
    if (element.open && !choices.isConnected) {
      drawChoices();
      element.append(h('div', { class: 'assumption-content' }, choices, facts(one, metBy)));
    }
    opened(one.name, element.open);
  }

  function draw() {
    value.textContent = String(one.value);
    fill(
      marks,
      one.value === one.default ? null : h('span', { class: 'badge accent' }, 'changed'),
      met > 0 ? h('span', { class: 'badge' }, 'met') : null,
    );
    const link = h('a', { href: address(['requests'], { assumption: one.name }) }, `${count(met, 'request')} of your client`);
    fill(metBy, met > 0 ? link : 'no request so far');
  }

  function drawChoices() {
    const hadFocus = choices.contains(document.activeElement);
    fill(choices, values(one, (wanted) => choose(one, wanted)));
    if (hadFocus) /** @type {HTMLElement | null} */ (choices.querySelector('input:checked, input[type="number"]'))?.focus();
  }

  draw();
  return {
    element,
    /** @param {Assumption} next */
    take(next) {
      // A number that somebody types stays while the assumptions are read again.
      const isChanged = next.value !== one.value;
      one = next;
      if (isChanged) this.restore();
    },
    /** Shows the value that counts, after another was refused. */
    restore() {
      draw();
      drawChoices();
    },
    /** @param {number} number */
    meet(number) {
      if (number === met) return;
      met = number;
      draw();
    },
    open() {
      if (element.open) return;
      element.open = true;
      // An address may open it before the view stands in the page.
      requestAnimationFrame(() => element.scrollIntoView());
    },
  };
}

/**
 * @param {Assumption} one
 * @param {HTMLElement} metBy
 */
function facts(one, metBy) {
  return h(
    'dl',
    { class: 'facts' },
    h('dt', {}, 'Why'),
    h('dd', {}, one.why),
    h('dt', {}, 'Sources'),
    h('dd', {}, one.sources.length > 0 ? h('ul', {}, one.sources.map((source) => h('li', {}, source))) : 'No source mentions it.'),
    one.advice === null ? null : [h('dt', {}, 'Advice'), h('dd', {}, advised(one.advice))],
    h('dt', {}, 'Operations'),
    h('dd', { class: 'assumption-operations' }, operations(one)),
    h('dt', {}, 'Met by'),
    metBy,
  );
}

/**
 * The values, of which one can be chosen.
 *
 * @param {Assumption} one
 * @param {(value: Value) => void} choose
 */
function values(one, choose) {
  if (one.any_number !== null) return numberField(one, choose);
  if (one.alternatives.length === 0) return h('p', {}, 'It has one value, ', h('code', {}, String(one.default)), ', since no other is known.');
  const radios = [one.default, ...one.alternatives].map((value) =>
    h(
      'label',
      { class: 'check' },
      h('input', { type: 'radio', name: `value-${one.name}`, value: String(value), checked: value === one.value, change: () => choose(value) }),
      h('code', {}, String(value)),
      value === one.default ? h('span', { class: 'soft small' }, 'default') : null,
    ),
  );
  return h('fieldset', { class: 'assumption-values' }, h('legend', { class: 'offscreen' }, `Value of ${one.name}`), radios);
}

/**
 * @param {Assumption} one
 * @param {(value: Value) => void} choose
 */
function numberField(one, choose) {
  const input = h('input', { type: 'number', min: '1', max: String(one.any_number), value: String(one.value), required: true });
  const submit = (/** @type {Event} */ event) => (event.preventDefault(), choose(Number(input.value)));
  const back = one.value === one.default ? null : h('button', { type: 'button', click: () => choose(one.default) }, `Back to ${one.default}`);
  return h(
    'form',
    { class: 'filters', submit },
    h('label', { class: 'field' }, h('span', {}, `Value from 1 to ${one.any_number?.toLocaleString('en')}, by default ${one.default}`), input),
    h('div', { class: 'buttons' }, h('button', {}, 'Choose'), back),
  );
}

/** @param {Assumption} one */
function operations({ operations: names }) {
  if (names.length >= MANY) return 'all';
  return names.flatMap((name) => [h('a', { class: 'mono', href: `docs#/api/${name}` }, name), ' ']);
}

/**
 * The advice completes "works only while"; after its semicolon stands the cure.
 *
 * @param {string} advice
 */
function advised(advice) {
  const [counts, cure] = advice.split('; ');
  return `Your client may work only while ${ended(counts)}${cure ? ` The cure: ${ended(cure)}` : ''}`;
}

/** @param {string} text */
function ended(text) {
  return text.endsWith('.') ? text : `${text}.`;
}
