// One request as a row of the list.

import { h } from '../parts/dom.js';
import { duration, plain, size, time } from '../parts/format.js';
import { LEVEL_CLASSES } from './levels.js';

/** @typedef {import('./request-store.js').Headline} Headline */

// The part of a path that all requests to the API share.
const BASE = /^(\/ns\/[^/]+)?\/api\/v2\/ml-scribe\/open-api\//;

/**
 * The cells of a row.
 *
 * @param {Headline} row
 */
export function cells(row) {
  return [
    h('span', { class: 'mono soft' }, ...moment(row.at)),
    h('span', { class: 'mono method' }, plain(row.method)),
    nameOf(row),
    h('span', { class: `number ${statusClass(row)}` }, statusText(row)),
    h('span', { class: 'marks' }, ...marks(row)),
    h('span', { class: 'number wide' }, duration(row.duration)),
    h('span', { class: 'number wide soft' }, size(row.body_bytes)),
    h('span', { class: 'number wide soft' }, size(row.response_bytes)),
  ];
}

/** @param {Headline} row */
function nameOf({ operation, method, path }) {
  if (operation !== null) return h('span', { class: 'name' }, operation);
  const narrow = h('span', { class: 'narrow' }, `${plain(method)} `);
  return h('span', { class: 'mono', title: plain(path) }, narrow, plain(path.replace(BASE, '…/')));
}

/**
 * The time in two parts: the milliseconds need room that a narrow list does not have.
 *
 * @param {string} at
 */
function moment(at) {
  const text = time(at);
  return [text.slice(0, 8), h('span', { class: 'ms' }, text.slice(8))];
}

/** The heads of the columns. */
export function columnHeads() {
  const heads = ['Time', 'Method', 'Operation', 'Status', 'Marks', 'Duration', 'Request', 'Answer'];
  const classes = ['', 'method', '', 'number', 'marks', 'number wide', 'number wide', 'number wide'];
  const cells = heads.map((head, at) => h('span', { class: classes[at] }, head));
  return h('div', { class: 'columns', 'aria-hidden': 'true' }, ...cells);
}

/** @param {Headline} row */
export function statusText({ status, duration: ended }) {
  if (status !== null) return String(status);
  return ended === null ? '…' : 'none';
}

/**
 * The class of a status: how good it is.
 *
 * @param {{ status: number | null, duration: number | null }} row
 */
export function statusClass({ status, duration: ended }) {
  if (status === null) return ended === null ? 'soft' : 'wrong';
  return status >= 500 ? 'wrong' : status >= 400 ? 'care' : 'good';
}

/** @param {Headline} row */
function marks(row) {
  const found = [];
  if (row.duration === null) found.push(mark('under way', 'waiting'));
  if (row.operation === null) found.push(mark(row.method === 'OPTIONS' ? 'refused' : row.stray ? 'stray' : 'unmatched', 'care'));
  if (row.fault !== null) found.push(mark('fault', 'accent'));
  if (row.finding_level !== null) found.push(mark(`finding: ${row.finding_level}`, LEVEL_CLASSES[row.finding_level]));
  if (row.client_left) found.push(mark('client left', 'care'));
  if (row.piece_count !== null) found.push(mark('stream', ''));
  if (row.assumptions.length > 0) found.push(mark('assumption', 'faint'));
  return found;
}

/**
 * @param {string} word
 * @param {string} kind
 */
function mark(word, kind) {
  return h('span', { class: `badge ${kind}`, title: word }, word);
}
