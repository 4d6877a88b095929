// A test for pytest that expects a request.

import { isMasked } from './fault-masked.js';
import { isForm } from './request-exchange.js';

/** @typedef {import('./request.js').Request} Request */

const INDENT = '    ';
const LINE = 100;

/**
 * The lines of a test that holds if the client sends a request like this one.
 *
 * @param {Pick<Request, 'operation' | 'method' | 'path' | 'status' | 'query' | 'body'>} row
 * @param {any[]} rules the rules that acted on it: the test sets them first
 */
export function testLines(row, rules = []) {
  const name = row.operation ?? 'an_unknown_path';
  const filters = row.operation === null ? { method: row.method, ...pathOf(row.path) } : { operation: row.operation };
  /** @type {Record<string, unknown>} */
  const wanted = { ...filters, ...(row.status !== null && { status: row.status }), ...matchOf(row.body), at_least: 1 };
  const query = Object.entries(row.query).filter(([key, value]) => !isHidden(key) && !isHidden(value));
  const lines = [
    `def test_the_client_calls_${name}(mock_heidi):`,
    ...new Set(rules.filter((rule) => !isMasked(rule)).map((rule) => INDENT + ruleCall(rule))),
    `${INDENT}# Let your client work here, with mock_heidi.base_url and mock_heidi.api_key.`,
    INDENT + call('mock_heidi.verify', wanted),
  ];
  if (rules.length > 0 && row.operation === 'generate_consult_note') {
    const note = 'mock_heidi.session(session_id)["consult_note"]["result"]';
    lines.push(`${INDENT}# Then compare what your client has filed with ${note}.`);
  }
  if (query.length > 0) {
    lines.push(`${INDENT}request = ${call('mock_heidi.requests', filters)}[-1]`);
    lines.push(...query.map(([key, value]) => `${INDENT}assert request["query"][${python(key)}] == ${python(value)}`));
  }
  return `${lines.join('\n')}\n`;
}

/**
 * The call that sets a rule again.
 *
 * @param {any} rule
 */
function ruleCall({ id, says, hits, matched, enabled, label, ...rule }) {
  const scenario = /^scenario (\S+)$/.exec(label ?? '')?.[1];
  return scenario ? `mock_heidi.scenario(${text(scenario)})` : call('mock_heidi.fault', rule);
}

/**
 * @param {string} name
 * @param {Record<string, unknown>} given
 */
function call(name, given) {
  const parts = Object.entries(given).map(([key, value]) => `${key}=${python(value)}`);
  const line = `${name}(${parts.join(', ')})`;
  if (line.length + INDENT.length <= LINE) return line;
  const wrapped = Object.entries(given).map(([key, value]) => `${INDENT.repeat(2)}${key}=${python(value, 2)},\n`);
  return `${name}(\n${wrapped.join('')}${INDENT})`;
}

/** @param {string} path */
function pathOf(path) {
  // These have a meaning in the filter.
  return /[*{}]/.test(path) || isHidden(path) ? {} : { path };
}

/** @param {any} body */
function matchOf(body) {
  if (body === null || typeof body !== 'object' || Array.isArray(body) || isForm(body)) return {};
  const match = visible(body);
  return Object.keys(match).length > 0 ? { match } : {};
}

/**
 * The parts of a value that the journal does not hide.
 *
 * @param {any} value
 * @returns {any}
 */
function visible(value) {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return value;
  const shows = (/** @type {any} */ item) => !isHidden(Array.isArray(item) ? JSON.stringify(item) : item);
  const kept = Object.entries(value).filter(([key, item]) => shows(key) && shows(item));
  return Object.fromEntries(kept.map(([key, item]) => [key, visible(item)]));
}

/** @param {unknown} value */
function isHidden(value) {
  return typeof value === 'string' && /\*\*\*|^<\d+ (characters|bytes)>$/.test(value);
}

/**
 * A JSON value as Python writes it. Long ones get several lines.
 *
 * @param {unknown} value
 * @param {number} depth the indentation of the line on which it stands
 * @returns {string}
 */
export function python(value, depth = 0) {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'string') return text(value);
  if (typeof value !== 'object') return String(value);
  const isList = Array.isArray(value);
  const [open, close] = isList ? ['[', ']'] : ['{', '}'];
  const items = (/** @type {number} */ deeper) =>
    Object.entries(value).map(([key, item]) => (isList ? '' : `${text(key)}: `) + python(item, deeper));
  const line = `${open}${items(0).join(', ')}${close}`;
  if (depth === 0 || !/\n/.test(line) && line.length + 4 * depth <= LINE) return line;
  const inner = INDENT.repeat(depth + 1);
  return `${open}\n${items(depth + 1).map((item) => `${inner}${item},\n`).join('')}${INDENT.repeat(depth)}${close}`;
}

/**
 * A text as Python writes it. What a person cannot see or what turns the order of others is written as its code.
 *
 * @param {string} value
 */
function text(value) {
  const code = (/** @type {string} */ letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
  return JSON.stringify(value).replace(/[\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, code);
}
