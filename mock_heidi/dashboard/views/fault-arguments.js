// The values of a rule's fields as a person writes them, by their JSON Schema.

/** @typedef {{ type?: string, const?: unknown, enum?: string[], anyOf?: Schema[], items?: Schema }} Schema */

const NUMBER = /^-?\d+(\.\d+)?$/;

/**
 * The value in a text. What fits no form stays a text, and the server says why it is wrong.
 *
 * @param {string} text not empty
 * @param {Schema} schema
 * @returns {unknown}
 * @throws {SyntaxError} for a text that should be JSON and is not
 */
export function read(text, schema) {
  const forms = formsOf(schema);
  const kinds = new Set(forms.map(({ type }) => type));
  if (forms.length === 0) return readAny(text);
  if (/^[[{]/.test(text) || isObject(schema)) return JSON.parse(text);
  if (kinds.has('array')) return readList(text, kinds.has('integer'));
  if ((kinds.has('number') || kinds.has('integer')) && NUMBER.test(text)) return Number(text);
  return text;
}

/**
 * The text for a value: `0.5`, `uniform:0.1:0.5`, `session.duration, session.id`.
 *
 * @param {any} value
 * @param {Schema} schema
 * @returns {string}
 */
export function written(value, schema) {
  if (value === undefined || value === true) return '';
  if (formsOf(schema).length === 0 || isObject(schema)) return JSON.stringify(value);
  if (Array.isArray(value) && value.every((item) => typeof item !== 'object')) return value.join(', ');
  if (value === null || typeof value !== 'object') return String(value);
  return writtenObject(value);
}

/**
 * The alternatives of a schema; none for any value.
 *
 * @param {Schema} schema
 * @returns {Schema[]}
 */
function formsOf(schema) {
  return schema.anyOf ?? (Object.keys(schema).length > 0 ? [schema] : []);
}

/**
 * True if the value is always an object.
 *
 * @param {Schema} schema
 */
function isObject(schema) {
  return formsOf(schema).every(({ type }) => type === 'object');
}

/**
 * True for an effect that is only switched on.
 *
 * @param {Schema} schema
 */
export function isFlag(schema) {
  return schema.type === 'boolean';
}

/**
 * True if the effect may be given without a value.
 *
 * @param {Schema} schema
 */
export function mayBeEmpty(schema) {
  return isFlag(schema) || formsOf(schema).some((form) => form.const === true);
}

/** @param {string} text */
function readAny(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/**
 * @param {string} text
 * @param {boolean} ofNumbers
 */
function readList(text, ofNumbers) {
  const parts = text.split(',').map((part) => part.trim()).filter(Boolean);
  const values = ofNumbers ? parts.map((part) => (NUMBER.test(part) ? Number(part) : part)) : parts;
  return values.length === 1 ? values[0] : values;
}

/** @param {Record<string, any>} value */
function writtenObject(value) {
  const [[name, item] = ['', ''], ...others] = Object.entries(value);
  if ('requests' in value && 'seconds' in value) return `${value.requests}/${value.seconds}`;
  if (others.length === 0 && typeof item === 'string') return `${name}:${item}`;
  if (others.length === 0 && Array.isArray(item) && ['uniform', 'lognormal', 'fixed'].includes(name)) return [name, ...item].join(':');
  return JSON.stringify(value);
}
