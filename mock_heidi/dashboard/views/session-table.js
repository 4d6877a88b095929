// The sessions of a patient as a short table.

import { control } from '../parts/control.js';
import { fill, h } from '../parts/dom.js';
import { count, dateAndTime, duration, plain } from '../parts/format.js';
import { live } from '../parts/live.js';
import { reloader } from '../parts/reload.js';
import { address } from '../parts/route.js';

const SHOWN = 20;

/**
 * @param {{ patient_profile_id: string }} query
 * @param {AbortSignal} signal
 */
export async function sessionTable(query, signal) {
  const table = { element: h('div', { class: 'stack' }), total: 0 };
  const load = async () => {
    const { records, total } = await control(`/state/sessions?${new URLSearchParams({ ...query, limit: `${SHOWN}`, order: 'newest' })}`, { signal });
    table.total = total;
    fill(table.element, ...content(records, total, query));
  };
  const again = reloader(load, signal);
  live.on(['state'], (events) => events.some(({ data }) => data.kind === 'sessions') && again(), signal, again);
  live.on(['reset'], again, signal);
  await load();
  return table;
}

/**
 * @param {any[]} records
 * @param {number} total
 * @param {{ patient_profile_id: string }} query
 */
function content(records, total, query) {
  if (total === 0) return [h('p', { class: 'soft' }, 'This patient has no sessions.')];
  const head = h('tr', {}, ...['Session', 'Note', 'Created'].map((text) => h('th', { scope: 'col' }, text)), h('th', { scope: 'col', class: 'number' }, 'Duration'));
  const rows = records.map((row) =>
    h(
      'tr',
      {},
      h('td', {}, h('a', { href: address(['sessions', row.session_id]) }, plain(row.session_name) || 'No name')),
      h('td', {}, noteBadge(row.note)),
      h('td', {}, dateAndTime(row.created_at)),
      h('td', { class: 'number' }, row.duration ? duration(row.duration) : ''),
    ),
  );
  const all = total > records.length && h('a', { href: address(['sessions'], query) }, `All ${count(total, 'session')}`);
  return [h('div', { class: 'scroll' }, h('table', {}, h('thead', {}, head), h('tbody', {}, ...rows))), all];
}

/**
 * The status of a note as a badge.
 *
 * @param {string | null} status
 */
export function noteBadge(status) {
  if (status === null) return h('span', { class: 'soft small' }, 'No note');
  return h('span', { class: status === 'COMPLETED' ? 'badge good' : 'badge' }, status === 'COMPLETED' ? 'Completed' : 'Created');
}
