// When work that takes time is done: transcription, the parsing of documents, notes.

import { control } from '../parts/control.js';
import { fill, h } from '../parts/dom.js';
import { count } from '../parts/format.js';
import { live } from '../parts/live.js';
import { reloader } from '../parts/reload.js';
import { attempt, toast } from '../parts/toast.js';

/** @typedef {'at_once' | 'after_reads' | 'after_seconds'} Way */

/** @type {Record<string, string>} */
const KINDS = { transcription: 'Transcription', document_parsing: 'Document parsing', consult_note: 'Consult note' };
/** @type {Record<Way, string>} */
const WAYS = { at_once: 'at once', after_reads: 'after reads', after_seconds: 'after seconds' };

/**
 * The panel of the transitions.
 *
 * @param {AbortSignal} signal
 */
export async function transitionsPanel(signal) {
  const rows = h('div', { class: 'transitions' });
  let drawn = '';
  const load = async () => {
    const transitions = await control('/transitions', { signal });
    if (JSON.stringify(transitions) === drawn) return;
    const focused = rows.contains(document.activeElement) ? document.activeElement : null;
    // A number that somebody is typing stays until they leave it.
    if (focused instanceof HTMLInputElement) {
      rows.addEventListener('focusout', again, { once: true, signal });
      return;
    }
    drawn = JSON.stringify(transitions);
    draw(rows, transitions);
    const label = focused?.getAttribute('aria-label');
    if (label) /** @type {HTMLElement | null} */ (rows.querySelector(`[aria-label="${CSS.escape(label)}"]`))?.focus();
  };
  const again = reloader(load, signal);
  await load();
  live.on(['reset', 'setting'], again, signal, again);
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'transitions-title' },
    h('h2', { id: 'transitions-title' }, 'When work is done'),
    h('p', { class: 'soft' }, 'A read is a poll of your client. Seconds pass on the clock of the mock: advance it, and the work is done.'),
    rows,
  );
}

/**
 * @param {HTMLElement} rows
 * @param {Record<string, Record<string, any>>} transitions
 */
function draw(rows, transitions) {
  fill(rows, ...Object.keys(KINDS).map((kind) => row(kind, transitions[kind])));
}

/**
 * @param {string} kind
 * @param {Record<string, any>} transition
 */
function row(kind, transition) {
  const present = /** @type {Way} */ (Object.keys(transition)[0]);
  const options = Object.entries(WAYS).map(([value, label]) => h('option', { value, selected: value === present }, label));
  const way = h('select', { 'aria-label': `${KINDS[kind]} is done`, change: () => change(true) }, options);
  const number = h('input', { type: 'number', min: 0, 'aria-label': `${KINDS[kind]}: number`, change: () => change(false) });
  const show = () => {
    number.hidden = way.value === 'at_once';
    number.step = way.value === 'after_reads' ? '1' : 'any';
  };
  const change = (/** @type {boolean} */ fresh) => {
    show();
    if (fresh && number.value === '') number.value = way.value === 'after_reads' ? '2' : '5';
    if (number.hidden || number.reportValidity()) set(kind, /** @type {Way} */ (way.value), Number(number.value));
  };
  if (present !== 'at_once') number.value = String(transition[present]);
  show();
  return h('div', { class: 'transition' }, h('span', {}, KINDS[kind]), way, number);
}

/**
 * @param {string} kind
 * @param {Way} way
 * @param {number} number
 */
async function set(kind, way, number) {
  const body = { [kind]: { [way]: way === 'at_once' ? true : number } };
  const done = await attempt(() => control('/transitions', { method: 'PUT', body }));
  if (done === undefined) return;
  const when = way === 'at_once' ? 'at once' : `after ${count(number, way === 'after_reads' ? 'read' : 'second')}`;
  toast(`${KINDS[kind]} is now done ${when}.`);
}
