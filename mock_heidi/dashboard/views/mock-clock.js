// The namespace's clock as the page shows it: asked once, then counted here.

import { control } from '../parts/control.js';
import { live } from '../parts/live.js';
import { attempt } from '../parts/toast.js';

/** @typedef {{ now: string, frozen: boolean, speed: number }} Answer */

// The page counts four times a second, so that each second is seen also at a higher speed.
const TICK = 250;

/** Tells `tick` while it runs, and `change` when it was set. */
export class MockClock extends EventTarget {
  frozen = false;
  speed = 1;
  #now = 0;
  #since = 0;

  /** The time of the namespace, in ms since 1970. */
  get now() {
    return this.#now + (performance.now() - this.#since) * this.speed;
  }

  /**
   * Asks for the time, and again when it may have changed, until the signal ends it.
   *
   * @param {AbortSignal} signal
   */
  async begin(signal) {
    await this.ask(signal);
    const refresh = () => document.hidden || this.ask(signal).catch(() => undefined);
    const timer = setInterval(() => document.hidden || this.#tell('tick'), TICK);
    signal.addEventListener('abort', () => clearInterval(timer));
    // The timers of a hidden page, and of a machine that sleeps, stand still.
    document.addEventListener('visibilitychange', refresh, { signal });
    live.on(['reset', 'setting'], refresh, signal, refresh);
  }

  /** @param {AbortSignal} [signal] */
  async ask(signal) {
    await this.#take(() => control('/clock', { signal }));
  }

  /** @param {{ now?: string, frozen?: boolean, speed?: number, real?: boolean }} edit */
  async set(edit) {
    await attempt(() => this.#take(() => control('/clock', { method: 'PUT', body: edit })));
  }

  /** @param {number} seconds */
  async advance(seconds) {
    await attempt(() => this.#take(() => control('/clock/advance', { method: 'POST', body: { seconds } })));
  }

  /** @param {() => Promise<Answer>} ask */
  async #take(ask) {
    const asked = performance.now();
    const { now, frozen, speed } = await ask();
    // The answer is from about the middle of the time that it took.
    this.#since = (asked + performance.now()) / 2;
    this.#now = Date.parse(now);
    Object.assign(this, { frozen, speed });
    this.#tell('change');
    this.#tell('tick');
  }

  /** @param {string} what */
  #tell(what) {
    this.dispatchEvent(new Event(what));
  }
}
