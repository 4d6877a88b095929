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
    this.token = token;
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

/** @type {Map<string, Stream>} */
const streams = new Map();

/**
 * @param {MessagePort} port
 * @param {string} url
 */
function leave(port, url) {
  const stream = streams.get(url);
  if (stream === undefined) return;
  stream.ports.delete(port);
  if (stream.ports.size > 0) return;
  stream.ending.abort();
  streams.delete(url);
}

/**
 * @param {MessagePort} port
 * @param {string} url
 * @param {string | null} token
 */
function join(port, url, token) {
  let stream = streams.get(url);
  const refused = stream?.state === 'refused' && stream.token !== token;
  if (stream === undefined || refused) {
    const ports = stream?.ports ?? new Map();
    stream?.ending.abort();
    stream = new Stream(url, token);
    stream.ports = ports;
    streams.set(url, stream);
  }
  stream.ports.set(port, Date.now());
  port.postMessage({ state: stream.state });
}

// @ts-expect-error the types of a page do not know the scope of a shared worker
self.onconnect = (/** @type {MessageEvent} */ event) => {
  const [port] = event.ports;
  port.onmessage = ({ data }) => {
    if (data.leave) leave(port, data.url);
    else if (data.join) join(port, data.url, data.token);
    else streams.get(data.url)?.ports.set(port, Date.now());
  };
};

setInterval(() => {
  for (const [url, stream] of streams) {
    for (const [port, seen] of stream.ports) {
      if (Date.now() - seen > SILENCE) leave(port, url);
    }
  }
}, SILENCE / 4);
