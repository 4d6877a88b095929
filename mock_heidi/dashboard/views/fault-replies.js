// The replies that are set in place of the mock's own answers.

import { control } from '../parts/control.js';
import { h } from '../parts/dom.js';
import { count, plain } from '../parts/format.js';
import { jsonView } from '../parts/json.js';
import { attempt, toast } from '../parts/toast.js';
import { askIfMasked } from './fault-masked.js';

/** @typedef {Record<string, any>} Reply */

/**
 * @param {Reply} reply
 * @param {() => void} refresh
 */
export function replyRow(reply, refresh) {
  const isUsedUp = reply.times !== undefined && reply.hits >= reply.times;
  const breaks = reply.contract !== undefined && reply.contract !== 'ok';
  return h(
    'li',
    { class: 'rule' },
    h(
      'div',
      { class: 'rule-text' },
      h('p', {}, says(reply)),
      h(
        'p',
        { class: 'rule-facts' },
        h('code', {}, reply.id),
        isUsedUp ? h('span', { class: 'badge care' }, 'used up') : null,
        breaks ? h('span', { class: 'badge wrong' }, 'breaks the contract') : null,
        h('span', {}, reply.hits > 0 ? `sent ${count(reply.hits, 'time')}` : 'not sent yet'),
      ),
      breaks ? h('p', { class: 'soft small' }, plain(reply.contract)) : null,
      h('details', {}, h('summary', { 'data-key': `whole-${reply.id}` }, 'The whole reply'), jsonView(sent(reply))),
    ),
    h('button', { type: 'button', class: 'quiet', 'aria-label': `Delete reply ${reply.id}`, 'data-key': `delete-${reply.id}`, click: () => attempt(() => remove(reply, refresh)) }, 'Delete'),
  );
}

/**
 * A reply as it was given.
 *
 * @param {Reply} reply
 */
function sent({ id: _id, hits: _hits, contract: _contract, ...given }) {
  return given;
}

/** @param {Reply} reply */
function says(reply) {
  const where = [reply.session_id && `session ${reply.session_id}`, reply.template_id && `template ${reply.template_id}`, reply.match && 'a matching body'];
  const which = where.filter(Boolean).join(' and ');
  const who = `${reply.operation}${which && ` with ${which}`}`;
  const times = reply.times === undefined ? '' : `, ${count(reply.times, 'time')}`;
  const text = reply.text ?? reply.pieces?.join('');
  const what = text === undefined ? `status ${reply.status ?? 200}${reply.body === undefined ? '' : ' and its own body'}` : `“${shorten(text)}”`;
  return `${plain(who)} answers ${plain(what)}${times}.`;
}

/** @param {string} text */
function shorten(text) {
  return text.length > 120 ? `${text.slice(0, 120)}…` : text;
}

/**
 * @param {Reply} reply
 * @param {() => void} refresh
 */
async function remove(reply, refresh) {
  const canUndo = await askIfMasked(reply, `Delete reply ${reply.id}?`);
  if (canUndo === null) return;
  await control(`/replies/${encodeURIComponent(reply.id)}`, { method: 'DELETE' });
  refresh();
  const act = () => attempt(async () => (await control('/replies', { method: 'POST', body: sent(reply) }), refresh()));
  toast(`Reply ${reply.id} is deleted.`, canUndo ? { action: 'Undo', act } : {});
}
