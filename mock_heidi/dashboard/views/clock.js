// The clock of the namespace: the time, and the ways to move it.

import { fill, h } from '../parts/dom.js';
import { withCommas } from '../parts/format.js';

/** @typedef {import('./mock-clock.js').MockClock} MockClock */

const UNITS = { seconds: 1, minutes: 60, hours: 3600, days: 86_400 };

/**
 * The panel of the clock.
 *
 * @param {MockClock} clock
 */
export function clockPanel(clock) {
  const time = h('p', { class: 'clock-time' });
  const state = h('p', { class: 'soft', role: 'status' });
  const freeze = h('button', { type: 'button', click: () => clock.set({ frozen: !clock.frozen }) });
  const jump = (/** @type {string} */ label, /** @type {number} */ seconds) =>
    h('button', { type: 'button', 'aria-label': `Advance by ${label}`, click: () => clock.advance(seconds) }, `+${label}`);
  const real = h('button', { type: 'button', click: () => clock.set({ real: true }) }, 'Real time');
  clock.addEventListener('tick', () => drawTime(time, clock));
  clock.addEventListener('change', () => {
    freeze.textContent = clock.frozen ? 'Unfreeze' : 'Freeze';
    state.textContent = describe(clock);
  });
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'clock-title' },
    h('h2', { id: 'clock-title' }, 'Clock'),
    time,
    state,
    h('div', { class: 'buttons' }, freeze, jump('1 min', 60), jump('1 h', 3600), jump('1 day', 86_400), real),
    h('div', { class: 'clock-forms' }, advanceForm(clock), setForm(clock), speedForm(clock)),
  );
}

/**
 * @param {HTMLElement} element
 * @param {MockClock} clock
 */
function drawTime(element, clock) {
  const moment = new Date(clock.now).toISOString();
  // Some clocks are set beyond the year 9999, which has a sign.
  const [day, rest] = moment.split('T');
  const text = `${day} ${rest.slice(0, 8)}`;
  if (element.dataset.text === text) return;
  element.dataset.text = text;
  fill(element, h('span', {}, day), ' ', h('strong', {}, rest.slice(0, 8)), ' ', h('span', { class: 'soft' }, 'UTC'));
}

/** @param {MockClock} clock */
function describe(clock) {
  if (clock.frozen) return 'Frozen. It moves only when you move it.';
  const offset = Math.round((clock.now - Date.now()) / 1000);
  const rate = clock.speed === 1 ? 'Runs' : `Runs ${clock.speed.toLocaleString('en')} times as fast as real time`;
  if (Math.abs(offset) < 5) return `${rate}${clock.speed === 1 ? ' in real time' : ''}.`;
  return `${rate}, ${far(Math.abs(offset))} ${offset < 0 ? 'behind' : 'ahead of'} this machine.`;
}

/** @param {number} seconds */
function far(seconds) {
  const [name, size] = Object.entries(UNITS).findLast(([, unit]) => seconds >= 2 * unit) ?? ['seconds', 1];
  return `${withCommas(Math.round(seconds / size))} ${name}`;
}

/** @param {MockClock} clock */
function advanceForm(clock) {
  const amount = h('input', { type: 'number', min: 0, step: 'any', value: 15, required: true });
  const unit = h('select', { 'aria-label': 'Unit' }, Object.keys(UNITS).map((name) => h('option', { selected: name === 'minutes' }, name)));
  const act = () => clock.advance(Number(amount.value) * UNITS[/** @type {keyof UNITS} */ (unit.value)]);
  return form('Advance by', [amount, unit], 'Advance', act);
}

/** @param {MockClock} clock */
function setForm(clock) {
  // A field of the type datetime-local would show the form of the browser's language, and no UTC.
  const moment = h('input', { required: true, pattern: String.raw`\d{4}-\d\d-\d\d([T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?Z?)?`, title: 'such as 2025-01-06T09:00:00', autocomplete: 'off' });
  clock.addEventListener('change', () => (moment.value ||= new Date(clock.now).toISOString().slice(0, 19)), { once: true });
  return form('Set to (UTC)', [moment], 'Set', () => clock.set({ now: moment.value }));
}

/** @param {MockClock} clock */
function speedForm(clock) {
  const speed = h('input', { type: 'number', min: 0, max: 1e9, step: 'any', value: 60, required: true });
  return form('Speed, 1 is real time', [speed], 'Run', () => clock.set({ speed: Number(speed.value) }));
}

/**
 * @param {string} label
 * @param {(HTMLInputElement | HTMLSelectElement)[]} fields the label is of the first one
 * @param {string} button
 * @param {() => void} act
 */
function form(label, fields, button, act) {
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    act();
  };
  const [first, ...others] = fields;
  return h(
    'form',
    { class: 'line-form', submit },
    h('label', { class: 'field' }, h('span', {}, label), first),
    ...others,
    h('button', {}, button),
  );
}
