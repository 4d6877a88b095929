// Changes of the whole state that can be undone: a snapshot is taken before.

import { control, Refusal } from '../parts/control.js';
import { ask } from '../parts/dialog.js';
import { attempt, sentence, toast } from '../parts/toast.js';

/**
 * Does something that replaces the state, and offers to undo it. The snapshot stays in the list, so that it can be
 * restored later too. If there is no room for it, a question comes first.
 *
 * @param {string} snapshot its name, such as `before-reset`
 * @param {() => Promise<unknown>} work
 * @param {string} done what the toast says
 * @param {() => Promise<void>} [also] restores what a snapshot does not hold
 * @returns {Promise<boolean>} false if the person did not want it without an undo
 */
export async function undoable(snapshot, work, done, also = async () => undefined) {
  const full = await take(snapshot);
  if (full && !(await ask(`${sentence(full)} Without another one this cannot be undone.`, 'Go on without Undo'))) return false;
  await work();
  const act = async () => {
    const back = await attempt(async () => {
      await restore(snapshot);
      await also();
      return true;
    });
    if (back) toast('Everything is as it was before.');
  };
  toast(done, full ? {} : { action: 'Undo', act });
  return true;
}

/**
 * Takes a snapshot.
 *
 * @param {string} name
 * @returns {Promise<string>} empty, or the reason why there is no room for it
 */
async function take(name) {
  try {
    await control(`/snapshots/${name}`, { method: 'PUT' });
    return '';
  } catch (error) {
    if (error instanceof Refusal && error.status === 409) return error.message;
    throw error;
  }
}

/** @param {string} name */
export function restore(name) {
  return control(`/snapshots/${name}/restore`, { method: 'POST' });
}

/**
 * Remembers what a reset changes and a snapshot does not hold: the clock, assumptions, faults and replies.
 *
 * @param {string[]} parts those that will be reset
 * @returns {Promise<() => Promise<void>>} restores them
 */
export async function remember(parts) {
  const asked = performance.now();
  const [clock, { assumptions }, { faults }, { replies }] = await Promise.all(['/clock', '/assumptions', '/faults', '/replies'].map((path) => control(path)));
  return async () => {
    if (parts.includes('clock')) await control('/clock', { method: 'PUT', body: clockBack(clock, performance.now() - asked) });
    if (parts.includes('assumptions')) {
      const values = assumptions.map((/** @type {any} */ { name, value }) => [name, value]);
      await control('/assumptions', { method: 'PUT', body: Object.fromEntries(values) });
    }
    if (parts.includes('faults')) {
      await control('/faults', { method: 'PUT', body: faults.map(asRule) });
    }
    if (parts.includes('replies')) await repliesBack(replies);
  };
}

/**
 * @param {{ now: string, frozen: boolean, speed: number }} clock
 * @param {number} passed ms
 */
function clockBack({ now, frozen, speed }, passed) {
  const moment = Date.parse(now) + passed * speed;
  // The API does not tell whether a clock follows the machine's.
  if (speed === 1 && Math.abs(moment - Date.now()) < 2000) return { real: true };
  return { now: new Date(moment).toISOString().slice(0, 23), ...(frozen ? { frozen } : { speed }) };
}

/**
 * A rule in use without what the server says of it.
 *
 * @param {any} rule
 */
function asRule({ hits: _hits, matched: _matched, says: _says, ...rule }) {
  return rule;
}

/** @param {any[]} replies the newest first */
async function repliesBack(replies) {
  await control('/replies', { method: 'DELETE' });
  for (const { id: _id, hits: _hits, contract: _contract, ...reply } of replies.toReversed()) await control('/replies', { method: 'POST', body: reply });
}
