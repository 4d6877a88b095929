// The forms of a rule: the short form, the command line and Python. All make the same rule.

import { here } from '../parts/control.js';

/** @typedef {Record<string, any>} Rule */

// A text that the short form reads as itself. Others are written as JSON, since they could be read as a number, as true
// or as the next field.
const PLAIN = /^[A-Za-z][\w./:-]*$/;
const WORDS = /^(true|false|yes|no|on|off|null|none|y|n)$/i;
const DEFAULT_URL = 'http://127.0.0.1:4343';

/**
 * The short form: `generate_consult_note:end_after=3,times=1`.
 *
 * @param {Rule} rule
 * @returns {string}
 */
export function short({ operation, method, path, ...fields }) {
  const named = [operation].flat().filter(Boolean).join('+');
  const rest = { ...(named || !(method && path) ? { method, path } : {}), ...fields };
  const which = named || (method && path ? `${method} ${path}` : '*');
  const parts = Object.entries(rest)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => (value === true ? name : `${name}=${argument(value)}`));
  return `${which}:${parts.join(',')}`;
}

/** @param {unknown} value */
function argument(value) {
  const isPlain = typeof value === 'string' && PLAIN.test(value) && !WORDS.test(value);
  return isPlain ? value : JSON.stringify(value);
}

/**
 * The command that adds the rule here.
 *
 * @param {Rule} rule
 */
export function command(rule) {
  const url = here.server === DEFAULT_URL ? '' : ` --url ${here.server}`;
  const namespace = here.namespace === 'default' ? '' : ` --namespace ${quoted(here.namespace)}`;
  return `mock-heidi fault add${url}${namespace} ${quoted(short(rule))}`;
}

/** @param {string} text */
function quoted(text) {
  return /^[\w.,:=/+-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/**
 * The line of Python that adds the rule, with the handle of a namespace.
 *
 * @param {Rule} rule
 */
export function python({ operation, ...fields }) {
  const first = operation === undefined ? [] : [literal(operation)];
  const others = Object.entries(fields).map(([name, value]) => `${name}=${literal(value)}`);
  return `heidi.fault(${[...first, ...others].join(', ')})`;
}

/**
 * A value as Python writes it.
 *
 * @param {unknown} value
 * @returns {string}
 */
export function literal(value) {
  if (value === null || value === undefined) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(literal).join(', ')}]`;
  if (typeof value !== 'object') return JSON.stringify(value);
  return `{${Object.entries(value).map(([name, item]) => `${JSON.stringify(name)}: ${literal(item)}`).join(', ')}}`;
}
