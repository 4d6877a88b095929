// The two contracts as data: their operations, and what a $ref stands for.

import { control, here } from '../parts/control.js';

/**
 * @typedef {object} Contract
 * @property {'api' | 'control'} key the first part of its addresses
 * @property {string} title
 * @property {string} file its address as a document, without the ending
 * @property {string} base the address that its paths follow
 * @property {any} whole
 * @property {Operation[]} operations
 *
 * @typedef {object} Operation
 * @property {Contract} contract
 * @property {string} id
 * @property {string} method such as `GET`
 * @property {string} path
 * @property {string} tag
 * @property {any} described the operation in the contract
 * @property {any[]} parameters those of the path first
 * @property {any} body the request body, or null
 * @property {{ status: string, response: any }[]} responses
 */

/** How the contracts name their examples. @type {Record<string, string>} */
const NAMED = { documented: 'from the vendor’s pages' };
const METHODS = ['get', 'post', 'put', 'patch', 'delete'];

/** The contract of Heidi's API under the assumptions of the namespace. */
export const loadApi = () => load('api', 'Heidi API', 'openapi');

/** The contract of the control API. */
export const loadControl = () => load('control', 'Control API', 'control');

/**
 * @param {'api' | 'control'} key
 * @param {string} title
 * @param {string} file
 * @returns {Promise<Contract>}
 */
async function load(key, title, file) {
  const whole = await control(`/${file}.json`);
  const prefix = location.origin + here.control.replace(/\/_mock$/, '');
  /** @type {Contract} */
  const contract = { key, title, file, base: prefix + whole.servers[0].url, whole, operations: [] };
  contract.operations = Object.entries(whole.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => method in item).map((method) => operation(contract, path, item, method)),
  );
  return contract;
}

/**
 * @param {Contract} contract
 * @param {string} path
 * @param {any} item
 * @param {string} method
 * @returns {Operation}
 */
function operation(contract, path, item, method) {
  const { whole } = contract;
  const described = item[method];
  return {
    contract,
    id: described.operationId,
    method: method.toUpperCase(),
    path,
    tag: described.tags[0],
    described,
    parameters: [...(item.parameters ?? []), ...(described.parameters ?? [])].map((part) => resolve(whole, part)),
    body: described.requestBody ? resolve(whole, described.requestBody) : null,
    responses: Object.entries(described.responses).map(([status, part]) => ({ status, response: resolve(whole, part) })),
  };
}

/**
 * A part of a contract. If it is a `$ref`, the part that it names, with the keys that stand beside the `$ref`.
 *
 * @param {any} whole
 * @param {any} part
 * @returns {any}
 */
export function resolve(whole, part) {
  if (typeof part?.$ref !== 'string') return part;
  const { $ref, ...beside } = part;
  const target = $ref.split('/').slice(1).reduce((/** @type {any} */ at, /** @type {string} */ step) => at[step], whole);
  return { ...resolve(whole, target), ...beside };
}

/**
 * The name of the component that a `$ref` refers to, or ''.
 *
 * @param {any} part
 * @returns {string}
 */
export function nameOf(part) {
  return typeof part?.$ref === 'string' ? part.$ref.split('/').at(-1) : '';
}

/**
 * The examples of a media type or of a parameter: name, summary and value.
 *
 * @param {any} whole
 * @param {any} media
 * @returns {{ name: string, summary: string, value: any }[]}
 */
export function examplesOf(whole, media) {
  if ('example' in media) return [{ name: 'example', summary: 'Example', value: media.example }];
  return Object.entries(media.examples ?? {}).map(([name, part]) => {
    const { summary, value } = resolve(whole, part);
    return { name, summary: summary ?? NAMED[name] ?? name.replaceAll('_', ' '), value };
  });
}
