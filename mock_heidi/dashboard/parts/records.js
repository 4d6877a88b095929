// One record of the state: reads, edits, removes it and puts it back.

import { control, Refusal } from './control.js';
import { live } from './live.js';
import { reloader } from './reload.js';
import { attempt, toast } from './toast.js';

/**
 * @param {string} kind such as `patient_profiles`
 * @param {string} id
 */
export function path(kind, id) {
  return `/state/${kind}/${encodeURIComponent(id)}`;
}

/**
 * Calls `take` with a record each time that it may have changed, and with null when it is gone.
 *
 * @param {() => Promise<any>} read
 * @param {(data: { kind: string, id: string }) => boolean} concerns true for a change that may change what is shown
 * @param {(record: any) => void} take
 * @param {AbortSignal} signal
 */
export function follow(read, concerns, take, signal) {
  const load = reloader(async () => {
    try {
      take(await read());
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 404) throw error;
      take(null);
    }
  }, signal);
  live.on(['state'], (events) => events.some(({ data }) => concerns(data)) && load(), signal, load);
  live.on(['reset'], load, signal);
  return load;
}

/**
 * Removes records and offers to put them back.
 *
 * @param {string} kind
 * @param {Record<string, any>} record
 * @param {string} id
 * @param {string} told what the message says
 * @param {() => Promise<unknown>} [restore] what else is put back
 * @param {() => void} [after] called when the record is back
 */
export async function remove(kind, record, id, told, restore, after) {
  const at = path(kind, id);
  await control(at, { method: 'DELETE' });
  const undo = () =>
    attempt(async () => {
      await control(at, { method: 'PUT', body: record });
      await restore?.();
      after?.();
    });
  toast(told, { action: 'Undo', act: undo });
}
