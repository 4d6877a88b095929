// What the panel shows of an open request.

import { h } from '../parts/dom.js';
import { count, duration, plain, size, time } from '../parts/format.js';
import { actions } from './request-actions.js';
import { changesOf } from './request-changes.js';
import { exchange } from './request-exchange.js';
import { reasons } from './request-reasons.js';
import { statusClass, statusText } from './request-row.js';

/** @typedef {import('./request.js').Request} Request */
/** @typedef {import('./request.js').Story} Story */

/**
 * @param {Story} story
 * @param {(() => void) | null} showWhole shows the whole bodies; null if they are shown
 * @param {(id: number) => void} open opens another request
 * @param {AbortSignal} signal
 */
export function draw(story, showWhole, open, signal) {
  const { row } = story;
  const name = row.operation ?? (row.method === 'OPTIONS' ? 'refused preflight' : row.stray ? 'stray request' : 'unmatched request');
  const status = h('span', { class: `badge ${statusClass(row)}` }, statusText(row));
  return [
    h(
      'header',
      { class: 'request-head' },
      h('h2', {}, h('span', { class: 'mono' }, plain(row.method)), ' ', name, ' ', status),
      h('p', { class: 'mono path' }, plain(row.path)),
      h('p', { class: 'soft small' }, facts(row)),
      actions(row, story.faults, open, signal),
    ),
    reasons(story),
    exchange(row, showWhole),
    changesOf(story.changes),
  ];
}

/** @param {Request} row */
function facts(row) {
  const parts = [
    time(row.at),
    row.duration === null ? 'under way' : duration(row.duration),
    `request ${size(row.body_bytes)}`,
    `answer ${size(row.response_bytes)}`,
    row.piece_count !== null && row.pieces !== null ? count(row.pieces.length, 'piece') : '',
  ];
  return parts.filter(Boolean).join(' · ');
}
