// Work that many events ask for, done at most once in a while.

// The pause in ms between two runs.
const PAUSE = 400;

/**
 * A function that does the work at once, or after a pause since the last time, however often it is called meanwhile.
 *
 * @param {() => Promise<unknown>} work
 * @param {AbortSignal} signal ends it
 * @returns {() => void}
 */
export function calm(work, signal) {
  let busy = false;
  let again = false;
  const run = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    await work();
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
    busy = false;
    if (again && !signal.aborted) {
      again = false;
      run();
    }
  };
  return run;
}
