// A stream as a time line of its pieces, which can be stepped through.

import { fill, h } from '../parts/dom.js';
import { count, duration, plain, size } from '../parts/format.js';

/** @typedef {import('./request.js').Request} Request */
/** @typedef {import('./request.js').Piece} Piece */

// More marks than this cannot be told apart.
const MARKS = 400;

/** What ends an answer, by `ended_by` and `ending`. */
const ENDS = {
  'server complete': 'The mock sent all of it and ended it',
  'fault complete': 'A fault ended it as if it were complete',
  'fault close': 'A fault closed the connection',
  'fault reset': 'A fault reset the connection',
  'fault stall': 'A fault let nothing more come',
};

/**
 * @param {Piece[]} pieces at least one
 * @param {number | null} whole the duration of the request in seconds
 */
export function timeline(pieces, whole) {
  const first = pieces.length - 1;
  const told = h('output', { class: 'small' });
  const text = h('div', { class: 'text-body stream-text', tabindex: '0', role: 'region', 'aria-label': 'The text so far' });
  const slider = h('input', {
    type: 'range',
    min: '1',
    max: String(pieces.length),
    value: String(first + 1),
    'aria-label': 'Piece of the stream',
    input: () => step(Number(slider.value) - 1),
  });
  const before = h('button', { type: 'button', 'aria-label': 'Piece before', click: () => step(Number(slider.value) - 2) }, '←');
  const next = h('button', { type: 'button', 'aria-label': 'Next piece', click: () => step(Number(slider.value)) }, '→');
  const marks = marksOf(pieces, whole ?? 0);
  const step = (/** @type {number} */ to) => {
    const at = Math.min(Math.max(to, 0), pieces.length - 1);
    slider.value = String(at + 1);
    const said = `Piece ${at + 1} of ${pieces.length}`;
    slider.setAttribute('aria-valuetext', `${said}: ${plain(pieces[at].text)}`);
    before.disabled = at === 0;
    next.disabled = at === pieces.length - 1;
    const facts = [said, `${duration(pieces[at].after)} since the request`, size(pieces[at].bytes)];
    told.textContent = facts.map((fact) => fact.replaceAll(' ', '\u00a0')).join(' · ');
    fill(text, plain(pieces.slice(0, at).map((piece) => piece.text).join('')), h('mark', {}, plain(pieces[at].text) || '(empty)'));
    for (const mark of marks.children) mark.classList.toggle('now', Number(/** @type {HTMLElement} */ (mark).dataset.piece) === at);
  };
  step(first);
  return h('div', { class: 'stream' }, marks, h('div', { class: 'stream-steps' }, before, slider, next), told, text);
}

/**
 * A mark for each piece, at its time.
 *
 * @param {Piece[]} pieces
 * @param {number} whole the duration in seconds
 */
function marksOf(pieces, whole) {
  const last = Math.max(whole, pieces[pieces.length - 1].after) || 1;
  const every = Math.ceil(pieces.length / MARKS);
  const marks = pieces.flatMap(({ after }, at) => {
    if (at % every !== 0) return [];
    const mark = h('span', { 'data-piece': at });
    mark.style.left = `${(100 * after) / last}%`;
    return [mark];
  });
  return h('div', { class: 'stream-marks', 'aria-hidden': 'true' }, ...marks);
}

/**
 * How an answer ended, and by whom.
 *
 * @param {Pick<Request, 'ending' | 'ended_by' | 'client_left' | 'pieces'>} row
 */
export function endOf({ ending, ended_by: by, client_left: left, pieces }) {
  if (ending === null) return 'The answer is under way.';
  const after = pieces === null ? '' : ` after ${count(pieces.length, 'piece')}`;
  if (by === 'client') return `The client left${after}, before the end.`;
  if (by === 'reset') return `A reset of the namespace ended it${after}.`;
  const said = ENDS[/** @type {keyof ENDS} */ (`${by} ${ending}`)] ?? 'It ended';
  return `${said}${after}.${left ? ' Then the client left.' : ''}`;
}
