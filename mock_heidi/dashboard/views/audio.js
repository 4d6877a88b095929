// The pieces of a session's audio on a time line. Any of them can be made to fail.

import { fill, h } from '../parts/dom.js';
import { count, duration, plain, size } from '../parts/format.js';
import { memo } from '../parts/memo.js';

/** @typedef {{ piece: any, track: string, index: number, start: number, length: number }} Placed */

const UPLOAD = 'upload';
// The length in seconds of a missing piece of a track without others.
const USUAL = 60;

/**
 * The pieces with their starts, in the order in which the server transcribes them: tracks as they began, the pieces
 * of a track by index. A missing piece of a recording takes the usual length.
 *
 * @param {any[]} pieces
 * @returns {Placed[]}
 */
function layOut(pieces) {
  /** @type {Map<string, Map<number, any>>} */
  const tracks = new Map();
  for (const piece of pieces) {
    const isUpload = piece.track === UPLOAD;
    const name = isUpload ? `${UPLOAD} ${piece.index}` : piece.track;
    if (!tracks.has(name)) tracks.set(name, new Map());
    tracks.get(name)?.set(isUpload ? 0 : piece.index, piece);
  }
  const placed = [];
  let start = 0;
  for (const track of tracks.values()) {
    const usual = median([...track.values()].map((piece) => piece.duration));
    for (let index = 0; index <= Math.max(...track.keys()); index += 1) {
      const piece = track.get(index) ?? null;
      const length = piece === null ? usual : piece.duration;
      placed.push({ piece, track: [...track.values()][0].track, index: piece?.index ?? index, start, length });
      start += length;
    }
  }
  return placed;
}

/** @param {number[]} lengths */
function median(lengths) {
  const sorted = [...lengths].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length === 0) return USUAL;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * @param {import('./session.js').Page} page
 * @returns {import('./session.js').Section}
 */
export function audioSection(page) {
  const content = h('div', { class: 'stack' });
  const element = h('section', { class: 'panel audio' }, h('h2', {}, 'Audio'), content);
  const isNew = memo();
  return {
    element,
    take({ audio }, { audio: heard }) {
      const ready = new Set(heard.filter((/** @type {any} */ one) => one.ready).map((/** @type {any} */ one) => one.id));
      if (!isNew([audio, [...ready]])) return;
      const focused = document.activeElement instanceof HTMLElement && content.contains(document.activeElement) ? document.activeElement.id : '';
      fill(content, ...(audio.length === 0 ? nothing() : draw(layOut(audio), ready, page)));
      document.getElementById(focused)?.focus();
    },
  };
}

function nothing() {
  return [h('p', { class: 'soft' }, 'This session has no audio. A client uploads it, or you type the transcript below.')];
}

/**
 * Shows the row of a piece.
 *
 * @param {string} id
 */
export function showPiece(id) {
  const row = document.getElementById(`fails-${id}`)?.closest('tr');
  for (const one of document.querySelectorAll('tr.shown')) one.classList.remove('shown');
  row?.classList.add('shown');
  row?.scrollIntoView({ block: 'center' });
}

/**
 * @param {Placed[]} placed
 * @param {Set<string>} ready the pieces that are transcribed
 * @param {import('./session.js').Page} page
 */
function draw(placed, ready, page) {
  const end = placed.reduce((sum, { length }) => sum + length, 0);
  const failed = placed.filter(({ piece }) => piece?.failed).map(({ piece }) => piece.id);
  const missing = placed.filter(({ piece }) => piece === null).length;
  const mark = (/** @type {string} */ id, /** @type {boolean} */ fails) =>
    page.put({ failed_chunks: fails ? [...failed, id] : failed.filter((one) => one !== id) });
  const told = [
    count(placed.length - missing, 'piece'),
    duration(end),
    failed.length > 0 && `${failed.length} failed`,
    missing > 0 && `${missing} missing`,
  ];
  return [h('p', { class: 'soft small' }, told.filter(Boolean).join(' · ')), line(placed, end), table(placed, ready, mark)];
}

/**
 * @param {Placed[]} placed
 * @param {number} end
 */
function line(placed, end) {
  const bars = placed.map(({ piece, start, length }) => {
    const name = piece === null ? 'missing' : piece.failed ? 'failed' : '';
    const bar = h('div', { class: `piece ${name}`, title: `${clock(start)} to ${clock(start + length)}${name && `, ${name}`}` });
    if (piece !== null) bar.addEventListener('click', () => showPiece(piece.id));
    bar.style.flexGrow = String(Math.max(length, end / 500));
    return bar;
  });
  return h(
    'div',
    { class: 'time-line', 'aria-hidden': 'true' },
    h('div', { class: 'bars' }, ...bars),
    h('div', { class: 'scale small soft' }, h('span', {}, '0:00'), h('span', {}, clock(end / 2)), h('span', {}, clock(end))),
  );
}

/**
 * @param {Placed[]} placed
 * @param {Set<string>} ready
 * @param {(id: string, fails: boolean) => void} mark
 */
function table(placed, ready, mark) {
  const head = [['Piece'], ['Start', 'number'], ['Duration', 'number'], ['Size', 'number'], ['File', 'file'], ['Transcription'], ['Let it fail']];
  const rows = placed.map(({ piece, track, index, start, length }) => {
    const name = `${track === UPLOAD ? 'Upload' : `Recording ${track},`} ${index}`;
    const cells = [h('td', {}, plain(name)), h('td', { class: 'number' }, clock(start)), h('td', { class: 'number' }, duration(length))];
    if (piece === null) return h('tr', { class: 'missing' }, ...cells, h('td', { colspan: 4 }, 'It has not arrived.'));
    const change = (/** @type {Event} */ event) => mark(piece.id, /** @type {HTMLInputElement} */ (event.target).checked);
    const fails = h('input', { type: 'checkbox', id: `fails-${piece.id}`, checked: piece.failed, 'aria-label': `${plain(name)} fails`, change });
    return h(
      'tr',
      { class: piece.failed ? 'failed' : '' },
      ...cells,
      h('td', { class: 'number' }, size(piece.length)),
      h('td', { class: 'file' }, plain(piece.filename)),
      h('td', {}, piece.failed ? 'Failed' : ready.has(piece.id) ? 'Ready' : 'Waiting'),
      h('td', {}, fails),
    );
  });
  return h(
    'div',
    { class: 'scroll short', tabindex: '0', role: 'region', 'aria-label': 'Pieces of audio' },
    h('table', {}, h('thead', {}, h('tr', {}, ...head.map(([text, name]) => h('th', { scope: 'col', class: name }, text)))), h('tbody', {}, ...rows)),
  );
}

/**
 * Seconds in the form `6:56` or `1:06:40`.
 *
 * @param {number} seconds
 */
export function clock(seconds) {
  const whole = Math.floor(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), String(whole % 60).padStart(2, '0')];
  return hours > 0 ? `${hours}:${String(minutes).padStart(2, '0')}:${rest}` : `${minutes}:${rest}`;
}
