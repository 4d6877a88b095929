// The page of an operation: what it takes, what it answers, and beside it a form that tries it.

import { copyButton } from '../parts/copy.js';
import { h } from '../parts/dom.js';
import { jsonView } from '../parts/json.js';
import { address } from '../parts/route.js';
import { examplesOf } from './contract.js';
import { assumptionLinks, assumptionsOf, foldedLegend, mark } from './marks.js';
import { prose } from './prose.js';
import { field, schemaView } from './schema.js';
import { textBox } from './text-box.js';
import { tryView } from './try.js';

/** @typedef {import('./contract.js').Operation} Operation */

/**
 * The page of an operation.
 *
 * @param {Operation} operation
 * @param {AbortSignal} signal
 */
export function operationView(operation, signal) {
  // The control API is our own, so nothing in it has a source.
  const isVendors = operation.contract.key === 'api';
  return h(
    'div',
    { class: 'operation' },
    h(
      'div',
      { class: 'operation-text' },
      head(operation),
      parameters(operation),
      body(operation),
      answers(operation),
      isVendors ? foldedLegend() : null,
    ),
    h('section', { class: 'operation-side', 'aria-label': 'Try it' }, tryView(operation, signal)),
  );
}

/** @param {Operation} operation */
function head({ contract, id, method, path, described }) {
  const docs = described.externalDocs?.url;
  return h(
    'header',
    { class: 'operation-head' },
    h('h1', { tabindex: '-1' }, described.summary),
    h(
      'p',
      { class: 'call' },
      methodBadge(method),
      h('code', { class: 'path' }, ...broken(path)),
      copyButton(contract.base + path, 'Copy', 'Copy the address'),
    ),
    h(
      'p',
      { class: 'operation-facts' },
      h('code', {}, id),
      mark(described['x-provenance']),
      h('span', {}, needs(contract, described)),
      h('a', { class: 'to-try', href: address([contract.key, id, 'try']) }, 'Try it'),
      contract.key === 'api' ? h('a', { href: `./${address(['requests'], { operation: id })}` }, 'Its requests') : null,
      docs ? h('a', { href: docs, rel: 'noreferrer', target: '_blank' }, 'The vendor’s page (online)') : null,
    ),
    prose(described.description),
    assumptionLinks(assumptionsOf(described)),
  );
}

/**
 * A path that may break after each slash.
 *
 * @param {string} path
 */
function broken(path) {
  return path.split(/(?<=\/)/).flatMap((part) => [part, h('wbr')]);
}

/** @param {string} method */
export function methodBadge(method) {
  return h('span', { class: `method ${method.toLowerCase()}` }, method);
}

/**
 * What a request must bring with it.
 *
 * @param {import('./contract.js').Contract} contract
 * @param {any} described
 */
function needs(contract, described) {
  const names = (described.security ?? contract.whole.security ?? []).flatMap(Object.keys);
  if (names.includes('ApiKey')) return 'Needs the API key';
  if (names.includes('BearerAuth')) return 'Needs a token';
  return names.includes('AdminToken') ? 'Needs the admin token, if there is one' : 'Needs no token';
}

/**
 * A part of the page with its own address.
 *
 * @param {Operation} operation
 * @param {string} place the end of its address, such as `body`
 * @param {string} title
 * @param {...(Node | string | null)} content
 */
function section(operation, place, title, ...content) {
  return h(
    'section',
    { class: 'part', id: `at-${place}`, tabindex: '-1' },
    h('h2', {}, title, ' ', link(operation, place, title)),
    ...content,
  );
}

/**
 * @param {Operation} operation
 * @param {string} place
 * @param {string} title
 */
function link({ contract, id }, place, title) {
  return h('a', { class: 'anchor', href: address([contract.key, id, place]), 'aria-label': `Link to ${title}` }, '#');
}

const PLACES = { path: 'in the path', query: 'in the query', header: 'as a header' };

/** @param {Operation} operation */
function parameters(operation) {
  if (operation.parameters.length === 0) return null;
  const { whole } = operation.contract;
  const rows = operation.parameters.map((given) => {
    const about = { required: Boolean(given.required), provenance: given['x-provenance'], description: given.description };
    const row = field(whole, given.name, given.schema, { ...about, assumptions: assumptionsOf(given) });
    const place = PLACES[/** @type {keyof typeof PLACES} */ (given.in)];
    row.querySelector('.type')?.append(`, ${place}`);
    return row;
  });
  return section(operation, 'parameters', 'Parameters', h('ul', { class: 'fields', 'aria-label': 'Parameters' }, ...rows));
}

/** @param {Operation} operation */
function body(operation) {
  if (operation.body === null) return null;
  const { whole } = operation.contract;
  const must = operation.body.required ? 'required' : 'may be left out';
  const medias = Object.entries(operation.body.content).map(([type, media]) => mediaView(whole, type, media, must));
  return section(operation, 'body', 'Body', prose(operation.body.description), ...medias);
}

/**
 * @param {any} whole
 * @param {string} type
 * @param {any} media
 * @param {string} [must]
 */
function mediaView(whole, type, media, must) {
  const events = Object.entries(media['x-events'] ?? {}).map(([name, schema]) =>
    h('details', { class: 'folded' }, h('summary', {}, 'Event ', h('code', {}, name)), schemaView(whole, schema)),
  );
  return h(
    'div',
    { class: 'media' },
    h('p', { class: 'media-type' }, h('code', {}, type), must ? `, ${must}` : ''),
    schemaView(whole, media.schema),
    ...events,
    ...examplesOf(whole, media).map((example) => exampleView(example)),
  );
}

/** @param {{ name: string, summary: string, value: any }} example */
function exampleView({ summary, value }) {
  const isText = typeof value === 'string';
  const text = isText ? value : JSON.stringify(value, null, 2);
  const title = summary.toLowerCase().startsWith('example') ? summary : `Example: ${summary}`;
  const shown = isText ? textBox(title, text) : jsonView(value);
  return h(
    'details',
    { class: 'folded example' },
    h('summary', {}, title),
    h('div', { class: 'copy-block' }, shown, copyButton(text, 'Copy', `Copy: ${title}`)),
  );
}

/** @param {Operation} operation */
function answers(operation) {
  const rows = operation.responses.map(({ status, response }) => answer(operation, status, response));
  return section(operation, 'answers', 'Answers', ...rows);
}

/**
 * @param {Operation} operation
 * @param {string} status
 * @param {any} response
 */
function answer(operation, status, response) {
  const { whole } = operation.contract;
  const isGood = status < '400';
  const details = h(
    'details',
    { class: 'answer', id: `at-${status}`, open: isGood },
    h(
      'summary',
      {},
      h('span', { class: `status ${isGood ? 'good' : 'bad'}` }, status),
      h('span', { class: 'answer-says' }, response.description.replaceAll('`', '')),
      mark(response['x-provenance']),
    ),
  );
  const draw = () => details.append(answerText(operation, status, response, whole));
  if (isGood) draw();
  else details.addEventListener('toggle', draw, { once: true });
  return details;
}

/**
 * @param {Operation} operation
 * @param {string} status
 * @param {any} response
 * @param {any} whole
 */
function answerText(operation, status, response, whole) {
  const medias = Object.entries(response.content ?? {}).map(([type, media]) => mediaView(whole, type, media));
  return h(
    'div',
    { class: 'answer-text' },
    prose(response.description),
    assumptionLinks(assumptionsOf(response)),
    headers(whole, response.headers),
    ...medias,
    next(operation, response.links),
    h('p', { class: 'small' }, h('a', { href: address([operation.contract.key, operation.id, status]) }, `Link to ${status}`)),
  );
}

/**
 * @param {any} whole
 * @param {Record<string, any> | undefined} given
 */
function headers(whole, given) {
  if (given === undefined) return null;
  const rows = Object.entries(given).map(([name, header]) =>
    field(whole, name, header.schema, {
      required: Boolean(header.required),
      provenance: header['x-provenance'],
      description: header.description,
      assumptions: assumptionsOf(header),
    }),
  );
  return h('div', {}, h('h3', {}, 'Headers'), h('ul', { class: 'fields', 'aria-label': 'Headers' }, ...rows));
}

/**
 * The operations that a client calls after this one.
 *
 * @param {Operation} operation
 * @param {Record<string, any> | undefined} links
 */
function next({ contract }, links) {
  if (links === undefined) return null;
  const rows = Object.values(links).map(({ operationId, description }) =>
    h('li', {}, h('a', { href: address([contract.key, operationId]) }, h('code', {}, operationId)), ` ${description}`),
  );
  return h('div', {}, h('h3', {}, 'What to call next'), h('ul', { class: 'plain' }, ...rows));
}
