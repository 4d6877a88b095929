// Reads the events of a namespace. EventSource cannot send the admin token, so this is fetch and a parser.

/** @typedef {{ id: number, kind: string, data: any }} HeidiEvent */
/** @typedef {'connecting' | 'live' | 'lost' | 'refused'} State */

// The pause in ms before the first new attempt, and the longest one.
const FIRST = 300;
const LONGEST = 5000;
// The time in ms after which a stream lets another one have its connection.
const TURN = 1000;
// The least time in ms between two calls with events. Each call draws, and a person reads more slowly.
const PAUSE = 100;

/** A few connections for all streams. If more streams want one, they take turns. */
export class Connections {
  /** @param {number} most */
  constructor(most) {
    this.free = most;
    /** @type {(() => void)[]} */
    this.waiting = [];
  }

  async take() {
    if (this.free > 0) this.free -= 1;
    else await new Promise((resolve) => this.waiting.push(() => resolve(undefined)));
  }

  give() {
    const next = this.waiting.shift();
    if (next) next();
    else this.free += 1;
  }
}

/**
 * Splits a text of server-sent events into whole events and the rest.
 *
 * @param {string} text
 * @returns {{ events: HeidiEvent[], rest: string }}
 */
export function split(text) {
  const frames = text.split('\n\n');
  const rest = frames.pop() ?? '';
  const events = [];
  for (const frame of frames) {
    const fields = new Map();
    for (const line of frame.split('\n')) {
      const at = line.indexOf(': ');
      if (at > 0) fields.set(line.slice(0, at), line.slice(at + 2));
    }
    if (!fields.has('event')) continue;
    events.push({ id: Number(fields.get('id')), kind: fields.get('event'), data: JSON.parse(fields.get('data')) });
  }
  return { events, rest };
}

/**
 * A function that tells events: the first ones at once, and those of the pause after them together.
 *
 * @param {(events: HeidiEvent[]) => void} tell
 * @returns {(events: HeidiEvent[]) => void}
 */
export function inBatches(tell) {
  /** @type {HeidiEvent[]} */
  let waiting = [];
  let isPausing = false;
  const next = () => {
    isPausing = waiting.length > 0;
    if (!isPausing) return;
    const events = waiting;
    waiting = [];
    setTimeout(next, PAUSE);
    tell(events);
  };
  return (events) => {
    for (const event of events) waiting.push(event);
    if (!isPausing) next();
  };
}

/**
 * Follows the events of a namespace until the signal ends it. A lost connection is made again.
 *
 * @param {object} options
 * @param {string} options.url the address of `events`
 * @param {string | null} options.token the admin token
 * @param {AbortSignal} options.signal
 * @param {Connections} [options.connections] the connections that all streams of this browser share
 * @param {(events: HeidiEvent[]) => void} options.onEvents
 * @param {(state: State) => void} options.onState
 */
export async function follow({ url, token, signal, connections = new Connections(1), onEvents, onState }) {
  /** @type {Record<string, string>} */
  const headers = token === null ? {} : { 'x-mock-admin-token': token };
  let pause = FIRST;
  const tell = inBatches(onEvents);
  onState('connecting');
  while (!signal.aborted) {
    await connections.take();
    const turn = new AbortController();
    const clock = setInterval(() => connections.waiting.length > 0 && turn.abort(), TURN);
    try {
      const answer = await fetch(url, { headers, signal: AbortSignal.any([signal, turn.signal]), cache: 'no-store' });
      if (answer.status === 403) {
        onState('refused');
        return;
      }
      if (!answer.ok || answer.body === null) throw new Error(`events: ${answer.status}`);
      const since = answer.headers.get('last-event-id') ?? '0';
      // The server goes on elsewhere if it has restarted, or does not keep the next event any more.
      if (since !== (headers['last-event-id'] ?? since)) onState('lost');
      headers['last-event-id'] = since;
      onState('live');
      pause = FIRST;
      for await (const events of read(answer.body)) {
        headers['last-event-id'] = String(events[events.length - 1].id);
        tell(events);
      }
    } catch {
      // The turn is over, or the connection is lost. The next attempt tells.
    } finally {
      clearInterval(clock);
      connections.give();
    }
    if (turn.signal.aborted || signal.aborted) continue;
    onState('lost');
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(2 * pause, LONGEST);
  }
}

/**
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<HeidiEvent[]>}
 */
async function* read(body) {
  const decoder = new TextDecoder();
  const reader = body.getReader();
  for (let text = ''; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const { events, rest } = split(text + decoder.decode(value, { stream: true }));
    text = rest;
    if (events.length > 0) yield events;
  }
}
