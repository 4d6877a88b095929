// A stream as a time line of its pieces, which can be stepped through.

import { fill, h } from '../parts/dom.js';
import { count, duration, plain, size } from '../parts/format.js';

/** @typedef {import('./request.js').Request} Request */
/** @typedef {import('./request.js').Piece} Piece */

// More marks than this cannot be told apart.
const MARKS = 400;

/** How a rule ends a stream early: its field, and what it does. */
const ENDS = {
  end_after: 'ended it cleanly, too early',
  end_inside: 'ended it inside a piece',
  rst_after: 'reset the connection',
  stall_after: 'let nothing more come',
  error_piece: 'ended it with an error',
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
    slider.setAttribute('aria-valuetext', `${said}: ${pieces[at].text}`);
    before.disabled = at === 0;
    next.disabled = at === pieces.length - 1;
    told.textContent = `${said} · ${duration(pieces[at].after)} since the request · ${size(bytes(pieces[at].text))}`;
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

/** @param {string} text */
function bytes(text) {
  return new TextEncoder().encode(text).length;
}

/**
 * How a stream ended, and by whom.
 *
 * @param {Pick<Request, 'duration' | 'client_left' | 'fault' | 'pieces'>} row
 * @param {any[]} faults
 */
export function endOf(row, faults) {
  if (row.duration === null) return 'The stream is under way.';
  const after = `after ${count(row.pieces?.length ?? 0, 'piece')}`;
  const left = row.client_left ? ' Then the client left.' : '';
  for (const rule of faults) {
    const field = /** @type {keyof ENDS | undefined} */ (Object.keys(ENDS).find((name) => name in rule));
    if (field !== undefined) return `The fault ${rule.id} ${ENDS[field]}, ${after}.${left}`;
  }
  if (row.client_left) return `The client left ${after}, before the end.`;
  if (row.fault !== null && faults.length === 0) return `It ended ${after}. A fault that is no longer set changed it.`;
  return `The mock sent all of it, and ended it ${after}.`;
}
