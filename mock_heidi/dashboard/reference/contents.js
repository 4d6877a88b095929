// The list at the left: the operations by their tags and the pages of the documentation.

import { h } from '../parts/dom.js';
import { address } from '../parts/route.js';

/** @typedef {import('./contract.js').Contract} Contract */
/** @typedef {{ id: string, title: string, level: number, text: string }} Section */
/** @typedef {{ name: string, title: string, sections: Section[] }} DocPage */

/**
 * The list, with the operations of both contracts and the pages.
 *
 * @param {Contract[]} contracts
 * @param {DocPage[]} pages
 */
export function contents(contracts, pages) {
  return h('div', { class: 'contents' }, ...contracts.map(contractPart), guidePart(pages));
}

/** @param {Contract} contract */
function contractPart(contract) {
  const tags = contract.whole.tags.map((/** @type {any} */ tag) => tag.name);
  return h(
    'div',
    {},
    h('h2', {}, h('a', { href: address([contract.key]) }, contract.title)),
    ...tags.map((/** @type {string} */ tag) => tagPart(contract, tag)),
  );
}

/**
 * @param {Contract} contract
 * @param {string} tag
 */
function tagPart(contract, tag) {
  const rows = contract.operations.filter((one) => one.tag === tag).map(({ id, method, described }) =>
    h('li', {}, h('a', { href: address([contract.key, id]) }, short(method), described.summary)),
  );
  return h('details', { class: 'tag', open: contract.key === 'api' }, h('summary', {}, tag), h('ul', {}, ...rows));
}

/** @param {string} method */
function short(method) {
  return h('span', { class: `method short ${method.toLowerCase()}` }, method === 'DELETE' ? 'DEL' : method);
}

/** @param {DocPage[]} pages */
function guidePart(pages) {
  const rows = pages.map(({ name, title }) =>
    h('li', {}, h('a', { href: address(['guide', name]) }, name === 'index' ? 'Overview' : title)),
  );
  return h('div', {}, h('h2', {}, h('a', { href: address(['guide', 'index']) }, 'Guide')), h('ul', {}, ...rows));
}

/**
 * Marks the link of the present address, opens the part that it stands in, and scrolls to it.
 *
 * @param {HTMLElement} list
 * @param {string[]} parts the first two parts of the address
 */
export function markPresent(list, parts) {
  const wanted = address(parts);
  for (const link of list.querySelectorAll('a')) {
    const isPresent = link.getAttribute('href') === wanted;
    if (isPresent) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
    if (!isPresent) continue;
    link.closest('details')?.setAttribute('open', '');
    link.scrollIntoView({ block: 'nearest' });
  }
}
