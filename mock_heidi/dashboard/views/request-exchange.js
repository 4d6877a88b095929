// What was sent and what was answered, side by side, each pretty or raw.

import { copyButton } from '../parts/copy.js';
import { fill, h } from '../parts/dom.js';
import { plain, size } from '../parts/format.js';
import { jsonView } from '../parts/json.js';
import { endOf, timeline } from './timeline.js';

// The most characters of a body that the control API shows unless it is asked for all.
const SHOWN = 64 * 1024;

/** How a person likes to see bodies, until the page is left. */
let form = 'Pretty';

/**
 * @param {import('./request.js').Request} row
 * @param {(() => void) | null} loadWhole loads the whole bodies
 */
export function exchange(row, loadWhole) {
  const sent = h(
    'section',
    { class: 'panel' },
    h('h3', {}, 'Request'),
    table('Query', row.query),
    table('Headers', row.headers),
    body(row.body, row.body_bytes, 'request', loadWhole),
  );
  const { pieces } = row;
  const whole = pieces === null ? row.response : pieces.map(({ text }) => text).join('');
  const steps = pieces?.length ? () => timeline(pieces, row.duration) : undefined;
  const answered = h(
    'section',
    { class: 'panel' },
    h('h3', {}, 'Answer'),
    row.status === null && h('p', { class: 'soft' }, row.duration === null ? 'It has not begun.' : 'No answer was sent.'),
    table('Headers', row.response_headers ?? {}),
    body(whole, row.response_bytes, 'answer', loadWhole, steps),
    (pieces !== null || row.ended_by !== 'server') && h('p', { class: 'soft small' }, endOf(row)),
  );
  return h('div', { class: 'exchange' }, sent, answered);
}

/**
 * @param {string} title
 * @param {Record<string, string>} values
 */
function table(title, values) {
  const rows = Object.entries(values);
  if (rows.length === 0) return null;
  const lines = rows.flatMap(([name, value]) => [h('dt', {}, plain(name)), h('dd', {}, plain(value))]);
  const summary = h('summary', {}, `${title} (${rows.length})`);
  return h('details', { open: title === 'Query' }, summary, h('dl', { class: 'facts mono' }, ...lines));
}

/**
 * @param {any} value JSON, a text, or null for an empty body
 * @param {number} bytes
 * @param {string} name
 * @param {(() => void) | null} loadWhole
 * @param {() => Node} [pretty] makes the pretty form
 */
function body(value, bytes, name, loadWhole, pretty = () => prettyBody(value)) {
  if (value === null || value === '') return h('p', { class: 'soft small' }, bytes > 0 ? `${size(bytes)}, not shown` : 'No body.');
  const raw = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  const content = h('div', {});
  const draw = () => fill(content, form === 'Pretty' ? pretty() : code(raw, name));
  const buttons = ['Pretty', 'Raw'].map((label) =>
    h('button', { type: 'button', class: 'quiet', 'aria-pressed': String(label === form), click: () => choose(label) }, label),
  );
  const choose = (/** @type {string} */ label) => {
    form = label;
    for (const button of buttons) button.setAttribute('aria-pressed', String(button.textContent === form));
    draw();
  };
  draw();
  const isCut = bytes > SHOWN && loadWhole !== null;
  return h(
    'div',
    { class: 'body' },
    h(
      'div',
      { class: 'body-bar' },
      h('div', { class: 'segments', role: 'group', 'aria-label': `Form of the ${name}` }, ...buttons),
      copyButton(raw, 'Copy', `Copy the ${name}`),
    ),
    content,
    isCut && more(bytes, loadWhole),
  );
}

/**
 * @param {number} bytes
 * @param {() => void} loadWhole
 */
function more(bytes, loadWhole) {
  const all = h('button', { type: 'button', class: 'quiet', click: loadWhole }, 'Show all');
  return h('p', { class: 'small' }, `This is the beginning of ${size(bytes)}. `, all);
}

/** @param {any} value */
function prettyBody(value) {
  if (typeof value === 'string') return h('div', { class: 'text-body' }, plain(value));
  return isForm(value) ? partsTable(value.parts) : jsonView(value);
}

/**
 * @param {string} text
 * @param {string} name
 */
function code(text, name) {
  return h('pre', { class: 'code', tabindex: '0', role: 'region', 'aria-label': `Raw ${name}` }, h('code', {}, plain(text)));
}

/**
 * True for a form with files. The journal keeps what its parts are, not their content.
 *
 * @param {any} value
 */
export function isForm(value) {
  const parts = value?.parts;
  const isPart = (/** @type {any} */ part) => part !== null && typeof part === 'object' && 'complete' in part && 'size' in part;
  return Array.isArray(parts) && Object.keys(value).length === 1 && parts.every(isPart);
}

/** @param {any[]} parts */
function partsTable(parts) {
  const heads = ['Part', 'File', 'Type', 'Size'].map((text) => h('th', { scope: 'col' }, text));
  const rows = parts.map((part) =>
    h(
      'tr',
      {},
      h('td', {}, plain(part.name)),
      h('td', {}, plain(part.filename ?? '')),
      h('td', {}, plain(part.content_type ?? '')),
      h('td', { class: 'number' }, size(part.size), part.complete ? '' : ' (did not arrive whole)'),
    ),
  );
  const table = h('table', {}, h('thead', {}, h('tr', {}, ...heads)), h('tbody', {}, ...rows));
  return h('div', { class: 'scroll', tabindex: '0', role: 'region', 'aria-label': 'Parts of the form' }, table);
}
