// The filter of the requests, as the box, the address and the control API write it.

/** @typedef {import('./request-store.js').Headline} Headline */
/** @typedef {Record<string, string>} Filter by the names of the control API's filters; `is` is a filter of this page */

const NAMES = ['operation', 'method', 'path', 'status', 'session_id', 'since', 'before', 'fault', 'finding', 'assumption'];

/** What `is:…` may say. The page decides it by the headline alone. */
const KINDS = {
  stream: (/** @type {Headline} */ row) => row.piece_count !== null,
  unmatched: (/** @type {Headline} */ row) => row.operation === null,
};

/** The filters that have a button: its label, the name of the filter, and the value. */
export const QUICK = [
  ['Errors', 'status', 'error'],
  ['Faults', 'fault', 'any'],
  ['Findings', 'finding', 'any'],
  ['Streams', 'is', 'stream'],
  ['Unmatched', 'is', 'unmatched'],
];

/** What a person may write into the box. */
export const HINT = `The filter searches the whole request. Or: ${NAMES.map((name) => `${name}:…`).join(' ')} is:stream is:unmatched`;

/**
 * The filter that a text of the box means. What has no known name before a colon is a text to search for.
 *
 * @param {string} text such as `status:4xx "Zoë Smith"`
 * @returns {Filter}
 */
export function parseFilter(text) {
  /** @type {Filter} */
  const filter = {};
  const rest = text.replace(/(\w+):("[^"]*"|\S+)/g, (whole, /** @type {string} */ name, /** @type {string} */ value) => {
    const given = value.replace(/^"(.*)"$/, '$1');
    if (!(NAMES.includes(name) || (name === 'is' && Object.hasOwn(KINDS, given)))) return whole;
    filter[name] = given;
    return '';
  });
  const words = rest.trim().replace(/\s+/g, ' ');
  return words ? { ...filter, text: words } : filter;
}

/**
 * The text of a filter for the box.
 *
 * @param {Filter} filter
 */
export function writeFilter({ text, ...named }) {
  const parts = Object.entries(named).map(([name, value]) => `${name}:${/\s/.test(value) ? `"${value}"` : value}`);
  return [...parts, text].filter(Boolean).join(' ');
}

/**
 * The filter in the query of an address.
 *
 * @param {URLSearchParams} query
 * @returns {Filter}
 */
export function readFilter(query) {
  const known = [...query].filter(([name, value]) => value !== '' && [...NAMES, 'is', 'text'].includes(name));
  return Object.fromEntries(known);
}

/**
 * The part of a filter that the control API decides, as a query.
 *
 * @param {Filter} filter
 */
export function queryOf({ is: _, ...asked }) {
  return new URLSearchParams(asked);
}

/**
 * The part of a filter that this page decides, as a function.
 *
 * @param {Filter} filter
 * @returns {(row: Headline) => boolean}
 */
export function localTest({ is }) {
  return is !== undefined && Object.hasOwn(KINDS, is) ? KINDS[/** @type {keyof KINDS} */ (is)] : () => true;
}
