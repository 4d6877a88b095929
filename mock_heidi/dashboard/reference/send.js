// Sends a request and shows its answer while it comes.

import { copyButton } from '../parts/copy.js';
import { fill, h } from '../parts/dom.js';
import { duration, plain, size } from '../parts/format.js';
import { jsonView } from '../parts/json.js';
import { textBox } from './text-box.js';

/** @typedef {import('./request.js').Given} Given */

// Of a longer stream, the oldest pieces are no longer shown.
const MOST_PIECES = 500;
// A longer body is shown as text, since a tree of it would take long.
const LONG = 200_000;

/** @type {AbortController | null} */
let running = null;

/**
 * Sends a request and fills an element with the answer. A request that is still running is given up.
 *
 * @param {Given} given
 * @param {HTMLElement} element
 * @param {AbortSignal} signal
 * @param {() => void} refused called for a 401
 */
export async function send(given, element, signal, refused) {
  running?.abort();
  const stop = (running = new AbortController());
  signal.addEventListener('abort', () => stop.abort(), { once: true });
  const begun = performance.now();
  const ending = () => duration((performance.now() - begun) / 1000);
  fill(element, h('p', { class: 'soft' }, 'Sent. Waiting for the answer. ', stopButton(stop)));
  try {
    const { url, method, headers: sent } = given;
    const answer = await fetch(url, { method, headers: sent, body: bodyOf(given), signal: stop.signal, cache: 'no-store' });
    if (answer.status === 401) refused();
    const facts = h('span', { class: 'soft' });
    fill(element, head(answer, facts, stop), headers(answer));
    const isStream = answer.headers.get('content-type')?.startsWith('text/event-stream');
    const bytes = isStream ? await pieces(answer, element, begun) : await whole(answer, element);
    facts.textContent = `${ending()}, ${size(bytes)}`;
  } catch (error) {
    const said = stop.signal.aborted ? `Stopped after ${ending()}.` : failure(error);
    element.append(h('p', { class: 'wrong-text', role: 'alert' }, said));
  }
  element.querySelector('.stop')?.remove();
}

/** @param {unknown} error */
function failure(error) {
  const why = error instanceof Error ? error.message : error;
  return `The connection ended without a whole answer: ${why}. A fault may have closed it, or the server has stopped.`;
}

/** @param {AbortController} stop */
function stopButton(stop) {
  return h('button', { type: 'button', class: 'quiet stop', click: () => stop.abort() }, 'Stop');
}

/** @param {Given} given */
function bodyOf({ text, parts }) {
  if (parts === null) return text;
  const form = new FormData();
  for (const [name, value] of parts) form.append(name, value);
  return form;
}

/**
 * @param {Response} answer
 * @param {HTMLElement} facts
 * @param {AbortController} stop
 */
function head(answer, facts, stop) {
  const id = answer.headers.get('x-mock-request-id');
  const link = id && h('a', { href: `./#/requests/${encodeURIComponent(id)}` }, 'See it in the dashboard');
  const status = h('strong', { class: `status ${answer.ok ? 'good' : 'bad'}` }, `${answer.status} ${answer.statusText}`);
  return h('p', { class: 'answer-head' }, status, facts, link, stopButton(stop));
}

/** @param {Response} answer */
function headers(answer) {
  const rows = [...answer.headers].flatMap(([name, value]) => [h('dt', {}, name), h('dd', { class: 'mono' }, plain(value))]);
  return h('details', { class: 'folded' }, h('summary', {}, `${rows.length / 2} headers`), h('dl', { class: 'facts' }, ...rows));
}

/**
 * Shows a body when it is complete. Returns the number of its bytes.
 *
 * @param {Response} answer
 * @param {HTMLElement} element
 */
async function whole(answer, element) {
  const bytes = await answer.arrayBuffer();
  const text = new TextDecoder().decode(bytes);
  if (text === '') return bytes.byteLength;
  element.append(h('div', { class: 'copy-block' }, shown(text, answer), copyButton(text, 'Copy', 'Copy the body')));
  return bytes.byteLength;
}

/**
 * @param {string} text
 * @param {Response} answer
 */
function shown(text, answer) {
  const isJson = answer.headers.get('content-type')?.includes('json') && text.length < LONG;
  try {
    if (isJson) return jsonView(JSON.parse(text));
  } catch {
    // A fault may have broken the JSON. The text shows how.
  }
  return textBox('Body', plain(text));
}

/**
 * The text in a piece of Heidi's streams; empty for other pieces.
 *
 * @param {string} piece such as `data: {"data": "Hist"}`
 */
function textOf(piece) {
  try {
    const { data } = JSON.parse(piece.replace(/^data: /, ''));
    return typeof data === 'string' ? data : '';
  } catch {
    return '';
  }
}

/**
 * Shows the pieces of a stream as they come, each with its time. Returns the number of bytes.
 *
 * @param {Response} answer
 * @param {HTMLElement} element
 * @param {number} begun
 */
async function pieces(answer, element, begun) {
  const list = h('ol', { class: 'pieces', tabindex: '0', 'aria-label': 'Pieces' });
  const joined = textBox('The text so far', '');
  const add = (/** @type {string} */ piece) => {
    const at = `+${duration((performance.now() - begun) / 1000)}`;
    list.append(h('li', {}, h('span', { class: 'soft' }, at), h('code', {}, plain(piece))));
    if (list.childNodes.length > MOST_PIECES) list.firstChild?.remove();
    list.scrollTop = list.scrollHeight;
    joined.append(plain(textOf(piece)));
    if (!joined.isConnected && joined.textContent !== '') element.append(joined);
  };
  element.append(list);
  const decoder = new TextDecoder();
  let [bytes, rest] = [0, ''];
  const reader = /** @type {ReadableStream<Uint8Array<ArrayBuffer>>} */ (answer.body).getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      bytes += part.value.byteLength;
      const complete = (rest + decoder.decode(part.value, { stream: true })).split('\n\n');
      rest = complete.pop() ?? '';
      complete.forEach(add);
    }
  } finally {
    // A stream that was cut may end within a piece.
    if (rest !== '') add(rest);
  }
  return bytes;
}
