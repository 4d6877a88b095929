// What happens in the namespace, as it happens. Views listen here; the connection is kept by the worker.

import { admin, here } from './control.js';
import { follow } from './event-stream.js';

/** @typedef {import('./event-stream.js').HeidiEvent} HeidiEvent */
/** @typedef {import('./event-stream.js').State} State */

const url = `${location.origin}${here.control}/events`;
const STILL_HERE = 20_000;

class Live extends EventTarget {
  /** @type {State} */
  state = 'connecting';
  /** The id of the last event. */
  last = 0;

  /**
   * Calls a function with the events of some kinds, in their order and many at once, until the signal ends it. `lost`
   * is called when events may be missing: after a lost connection or a restart of the server.
   *
   * @param {string[]} kinds such as `request` or `state`
   * @param {(events: HeidiEvent[]) => void} listener
   * @param {AbortSignal} signal
   * @param {() => void} [lost]
   */
  on(kinds, listener, signal, lost) {
    const heard = (/** @type {Event} */ event) => {
      const events = /** @type {CustomEvent<HeidiEvent[]>} */ (event).detail.filter(({ kind }) => kinds.includes(kind));
      if (events.length > 0) listener(events);
    };
    this.addEventListener('events', heard, { signal });
    if (lost) this.addEventListener('gap', lost, { signal });
  }

  /** @param {{ events?: HeidiEvent[], state?: State }} message */
  take({ events, state }) {
    if (state !== undefined && state !== this.state) {
      this.state = state;
      this.dispatchEvent(new CustomEvent('state'));
      // Also at the first time: something may have happened since the view was read.
      if (state === 'live') this.dispatchEvent(new CustomEvent('gap'));
    }
    if (events === undefined) return;
    const gap = this.last > 0 && events[0].id !== this.last + 1;
    this.last = events[events.length - 1].id;
    if (gap || events.some(({ kind }) => kind === 'behind')) this.dispatchEvent(new CustomEvent('gap'));
    this.dispatchEvent(new CustomEvent('events', { detail: events }));
  }

  /** Begins to listen, or begins again with another token. */
  begin() {
    if (typeof SharedWorker === 'function') this.#share();
    else this.#own();
  }

  #share() {
    const worker = new SharedWorker(`${here.root}/_mock/ui/parts/events-worker.js`, { type: 'module', name: 'mock-heidi' });
    const { port } = worker;
    const say = (/** @type {object} */ what) => port.postMessage({ url, token: admin.token, ...what });
    port.onmessage = ({ data }) => this.take(data);
    say({ join: true });
    setInterval(() => say({}), STILL_HERE);
    // A page from the browser's memory listens again.
    addEventListener('pagehide', () => say({ leave: true }));
    addEventListener('pageshow', (event) => event.persisted && say({ join: true }));
  }

  #own() {
    follow({
      url,
      token: admin.token,
      signal: new AbortController().signal,
      onEvents: (events) => this.take({ events }),
      onState: (state) => this.take({ state }),
    });
  }
}

export const live = new Live();
