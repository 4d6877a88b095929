// A schema as a tree of fields. Nested fields are drawn when they are opened, so that a schema may refer to itself.

import { h } from '../parts/dom.js';
import { nameOf, resolve } from './contract.js';
import { facts } from './facts.js';
import { assumptionLinks, assumptionsOf, mark, provenanceOf } from './marks.js';
import { prose } from './prose.js';

/**
 * What the fields inside take from their parent: the provenance of the keys, and the assumption behind it.
 *
 * @typedef {{ provenance?: string, assumption?: string }} Inherited
 */

/**
 * A schema with its description, facts and fields.
 *
 * @param {any} whole the contract
 * @param {any} given
 * @param {Inherited} inherited
 */
export function schemaView(whole, given, inherited = {}) {
  const schema = resolve(whole, given);
  const type = h('span', { class: 'type' }, typeOf(whole, given));
  const head = h('p', { class: 'field-head' }, type, mark(provenanceOf(whole, given)));
  return h(
    'div',
    { class: 'schema' },
    head,
    schema.description ? prose(schema.description) : null,
    assumptionLinks(assumptionsOf(schema)),
    facts(whole, schema),
    ...groups(whole, given, inherited).map((group) => fields(whole, group)),
  );
}

/**
 * One field: its name, type and provenance, then what is known of it, then the fields inside it.
 *
 * @param {any} whole
 * @param {string} name
 * @param {any} given its schema
 * @param {{ required: boolean, alone?: boolean, provenance?: string, assumptions: string[], description?: string }} about
 */
export function field(whole, name, given, about) {
  const schema = resolve(whole, given);
  const description = about.description ?? schema.description;
  const inside = groups(whole, given, { provenance: about.provenance, assumption: schema['x-assumption'] });
  return h(
    'li',
    { class: 'field-row' },
    h(
      'div',
      { class: 'field-head' },
      h('code', { class: 'field-name' }, name),
      h('span', { class: 'type' }, typeOf(whole, given)),
      about.required ? h('span', { class: 'required' }, 'required') : null,
      mark(about.provenance),
    ),
    description ? prose(description) : null,
    assumptionLinks(about.assumptions.filter((one) => !description?.includes(`\`${one}\``))),
    facts(whole, schema),
    ...inside.map((group) => folded(whole, group, Boolean(about.alone))),
  );
}

/**
 * Fields that stand together: those of one object.
 *
 * @typedef {{ name: string, schema: any, inherited: Inherited }} Group
 */

/**
 * The objects with fields that a schema consists of, such as the forms of an `anyOf` or the items of a list.
 *
 * @param {any} whole
 * @param {any} given
 * @param {Inherited} inherited
 * @returns {Group[]}
 */
function groups(whole, given, inherited) {
  const schema = resolve(whole, given);
  const next = {
    provenance: schema['x-provenance'] ?? inherited.provenance,
    assumption: schema['x-assumption'] ?? inherited.assumption,
  };
  if (schema.properties) return [{ name: nameOf(given), schema, inherited: next }];
  const parts = [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.items ? [schema.items] : [])];
  if (isSchema(schema.additionalProperties)) parts.push(schema.additionalProperties);
  return parts.flatMap((part) => groups(whole, part, next));
}

/** @param {unknown} value */
function isSchema(value) {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

/**
 * @param {any} whole
 * @param {Group} group
 */
function fields(whole, { name, schema, inherited }) {
  const required = new Set(schema.required ?? []);
  const given = Object.entries(schema.properties);
  const rows = given.map(([key, part]) => {
    const about = { required: required.has(key), alone: given.length === 1, ...sourceOf(whole, part, inherited) };
    return field(whole, key, part, about);
  });
  return h('ul', { class: 'fields', 'aria-label': name ? `Fields of ${name}` : 'Fields' }, ...rows);
}

/**
 * The provenance of a field's name and form. Without a mark it follows its object.
 *
 * @param {any} whole
 * @param {any} given
 * @param {Inherited} inherited
 */
function sourceOf(whole, given, inherited) {
  const own = given['x-provenance'];
  const assumptions = assumptionsOf(own === undefined ? { ...resolve(whole, given), ...given } : given);
  if (own === undefined && inherited.assumption && inherited.provenance === 'assumed') {
    assumptions.unshift(inherited.assumption);
  }
  return { provenance: own ?? inherited.provenance ?? provenanceOf(whole, given), assumptions: [...new Set(assumptions)] };
}

/**
 * The fields of an object inside another one.
 *
 * @param {any} whole
 * @param {Group} group
 * @param {boolean} isOpen
 */
function folded(whole, group, isOpen) {
  const number = Object.keys(group.schema.properties).length;
  const text = `${number} ${number === 1 ? 'field' : 'fields'}${group.name ? ` of ${group.name}` : ''}`;
  const details = h('details', { class: 'folded', open: isOpen }, h('summary', {}, text));
  const draw = () => details.append(fields(whole, group));
  if (isOpen) draw();
  else details.addEventListener('toggle', draw, { once: true });
  return details;
}

/**
 * The type of a schema in words, such as `list of strings`.
 *
 * @param {any} whole
 * @param {any} given
 * @returns {string}
 */
function typeOf(whole, given) {
  const schema = resolve(whole, given);
  const forms = schema.anyOf ?? schema.oneOf;
  if (forms) return [...new Set(forms.map((/** @type {any} */ form) => typeOf(whole, form)))].join(' or ');
  if ('const' in schema) return JSON.stringify(schema.const);
  if (schema.format === 'binary') return 'file';
  const types = [schema.type ?? (schema.properties ? 'object' : schema.enum ? 'word' : 'any value')].flat();
  const list = () => `list of ${plural(typeOf(whole, schema.items ?? {}))}`;
  return types.map((type) => (type === 'array' ? list() : objectName(type, given))).join(' or ');
}

/**
 * `strings` for `string`. Names of schemas stay as they are.
 *
 * @param {string} type
 */
function plural(type) {
  return /^(string|integer|number|object|boolean|file|word)$/.test(type) ? `${type}s` : type;
}

/**
 * @param {string} type
 * @param {any} given
 */
function objectName(type, given) {
  return type === 'object' && nameOf(given) ? nameOf(given) : type;
}
