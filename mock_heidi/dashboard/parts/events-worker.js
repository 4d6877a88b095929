// One worker for all tabs of a browser. A browser opens six connections to a host, and a front end under test needs
// them, so all tabs of a namespace share one stream, and all streams share two connections.

import { Connections, follow } from './event-stream.js';

/** @typedef {import('./event-stream.js').HeidiEvent} HeidiEvent */
/** @typedef {import('./event-stream.js').State} State */

// A tab that says nothing for so long (ms) is gone. A hidden tab may be slowed down to one message a minute.
const SILENCE = 200_000;

const connections = new Connections(2);

class Stream {
  /**
   * @param {string} url
   * @param {string | null} token
   */
  constructor(url, token) {
    /** @type {Map<MessagePort, number>} */
    this.ports = new Map();
    /** @type {State} */
    this.state = 'connecting';
    this.ending = new AbortController();
    follow({
      url,
      token,
      signal: this.ending.signal,
      connections,
      onEvents: (events) => this.tell({ events }),
      onState: (state) => {
        this.state = state;
        this.tell({ state });
      },
    });
  }

  /** @param {{ events?: HeidiEvent[], state?: State }} message */
  tell(message) {
    for (const port of this.ports.keys()) port.postMessage(message);
  }
}

/**
 * The streams by address and token, so that a tab gets no events for which another one has given the token.
 *
 * @type {Map<string, Stream>}
 */
const streams = new Map();

/**
 * Ends what a tab listens to. A stream without tabs ends.
 *
 * @param {MessagePort} port
 */
function leave(port) {
  for (const [key, stream] of streams) {
    if (!stream.ports.delete(port) || stream.ports.size > 0) continue;
    stream.ending.abort();
    streams.delete(key);
  }
}

/**
 * @param {MessagePort} port
 * @param {string} url
 * @param {string | null} token
 */
function join(port, url, token) {
  const key = JSON.stringify([url, token]);
  const known = streams.get(key);
  // The server may have changed since it refused.
  const stream = known === undefined || known.state === 'refused' ? new Stream(url, token) : known;
  if (known !== undefined && known !== stream) stream.ports = known.ports;
  streams.set(key, stream);
  stream.ports.set(port, Date.now());
  port.postMessage({ state: stream.state });
}

/**
 * Notes that a tab is still there. One that was silent for too long, such as a frozen one, has missed events.
 *
 * @param {MessagePort} port
 * @param {string} url
 * @param {string | null} token
 */
function stay(port, url, token) {
  const own = [...streams.values()].find(({ ports }) => ports.has(port));
  own?.ports.set(port, Date.now());
  if (own !== undefined) return;
  port.postMessage({ state: 'lost' });
  join(port, url, token);
}

// @ts-expect-error the types of a page do not know the scope of a shared worker
self.onconnect = (/** @type {MessageEvent} */ event) => {
  const [port] = event.ports;
  port.onmessage = ({ data }) => {
    if (data.leave) leave(port);
    else if (data.join) join(port, data.url, data.token);
    else stay(port, data.url, data.token);
  };
};

setInterval(() => {
  for (const { ports } of streams.values()) {
    for (const [port, seen] of ports) {
      if (Date.now() - seen > SILENCE) leave(port);
    }
  }
}, SILENCE / 4);
