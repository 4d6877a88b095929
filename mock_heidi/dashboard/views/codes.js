// The clinical codes of a session, and their places in the note.

import { fill, h } from '../parts/dom.js';
import { count, plain } from '../parts/format.js';

/** @typedef {import('./note-text.js').Mark} Mark */
/** @typedef {{ start: number, end: number }} Span */

/**
 * The places of the codes as marks, in the order of the text.
 *
 * @param {any[]} codes as `GET sessions/ID/content` tells them
 * @param {(place: number) => number} inUnits converts a place in characters to one in units of JavaScript
 * @returns {Mark[]}
 */
export function codeMarks(codes, inUnits) {
  return codes
    .flatMap(({ code, code_name: name, in_note: places }) =>
      places.map((/** @type {Span} */ { start, end }) => ({ start: inUnits(start), end: inUnits(end), title: plain(`${code} ${name}`), key: code })),
    )
    .sort((a, b) => a.start - b.start);
}

/**
 * The function that converts a place in characters (code points) of a text to one in units of JavaScript (UTF-16).
 *
 * @param {string} text
 * @returns {(place: number) => number}
 */
export function unitsOf(text) {
  /** @type {number[]} */
  const wide = [];
  let place = 0;
  for (const character of text) {
    if (character.length === 2) wide.push(place);
    place += 1;
  }
  if (wide.length === 0) return (at) => at;
  return (at) => at + wide.filter((one) => one < at).length;
}

/**
 * The codes as a list. A click shows the first place in the note.
 *
 * @param {any[]} codes
 * @param {(code: string) => void} show
 */
export function codeList(codes, show) {
  const list = h('ul', { class: 'codes' });
  const rows = codes.map(({ code, code_name: name, code_system: system, in_note: note, in_transcript: heard }) => {
    const told = [note.length > 0 && `${note.length} in the note`, heard.length > 0 && `${heard.length} in the transcript`];
    const words = [h('span', { class: 'mono' }, plain(code)), h('span', {}, plain(name)), h('span', { class: 'soft small' }, [system, ...told].filter(Boolean).join(' · '))];
    return h('li', {}, h('button', { type: 'button', disabled: note.length === 0, click: () => show(code) }, ...words));
  });
  fill(list, ...rows);
  return h('details', { class: 'code-list' }, h('summary', {}, count(codes.length, 'clinical code')), list);
}
