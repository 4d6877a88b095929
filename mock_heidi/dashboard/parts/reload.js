// Loads again what has changed, without asking the server for each event.

import { complain } from './toast.js';

const PAUSE = 150;

/**
 * A function that asks for a load. Loads never overlap, and there is a pause between two, however often it is called;
 * after the last call there is one more load.
 *
 * @param {() => Promise<void>} load
 * @param {AbortSignal} signal ends it
 * @param {number} pause in ms
 * @returns {() => void}
 */
export function reloader(load, signal, pause = PAUSE) {
  let isBusy = false;
  let isAsked = false;
  async function work() {
    isBusy = true;
    while (isAsked && !signal.aborted) {
      isAsked = false;
      await load().catch((error) => signal.aborted || complain(error));
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
    isBusy = false;
  }
  return () => {
    isAsked = true;
    if (!isBusy) work();
  };
}
