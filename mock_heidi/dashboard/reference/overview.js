// The first pages: what there is to read, and what each contract is about.

import { control, here } from '../parts/control.js';
import { copyBlock } from '../parts/copy.js';
import { h } from '../parts/dom.js';
import { address } from '../parts/route.js';
import { assumptionLinks, assumptionsOf, legend } from './marks.js';
import { methodBadge } from './operation.js';
import { elementsOf, prose } from './prose.js';

/** @typedef {import('./contract.js').Contract} Contract */

/**
 * The first page.
 *
 * @param {Contract[]} contracts
 */
export function startView(contracts) {
  const cards = contracts.map((contract) =>
    h(
      'section',
      { class: 'panel' },
      h('h2', {}, h('a', { href: address([contract.key]) }, contract.title)),
      h('p', { class: 'soft' }, `${contract.operations.length} operations. ${contract.whole.info.summary}`),
      copyBlock(contract.base, `the base URL of the ${contract.title}`),
    ),
  );
  const guide = h(
    'section',
    { class: 'panel' },
    h('h2', {}, h('a', { href: address(['guide', 'index']) }, 'Guide')),
    h('p', { class: 'soft' }, 'The pages of the documentation: tests, faults, fixtures, fidelity and the rest.'),
    h('p', {}, h('a', { href: address(['guide', 'getting-started']) }, 'Getting started')),
  );
  return h(
    'div',
    { class: 'page' },
    h('h1', { tabindex: '-1' }, 'Reference'),
    h('p', { class: 'soft' }, `Every operation of this server, to read and to try, in the namespace ${here.namespace}.`),
    h('div', { class: 'panels' }, ...cards, guide),
    legend(),
  );
}

/**
 * What a contract is about, and its operations.
 *
 * @param {Contract} contract
 */
export function contractView(contract) {
  const { whole, file, base } = contract;
  const download = (/** @type {string} */ name) => h('a', { class: 'button', href: name, download: true }, `Download ${name}`);
  return h(
    'div',
    { class: 'page' },
    h('h1', { tabindex: '-1' }, contract.title),
    prose(whole.info.description),
    assumptionLinks(assumptionsOf(whole)),
    copyBlock(base, 'the base URL'),
    h('div', { class: 'buttons' }, download(`${file}.yaml`), download(`${file}.json`)),
    contract.key === 'api' ? legend() : null,
    ...whole.tags.map((/** @type {any} */ tag) => tagView(contract, tag)),
  );
}

/**
 * @param {Contract} contract
 * @param {any} tag
 */
function tagView(contract, { name, description }) {
  const rows = contract.operations.filter(({ tag }) => tag === name).map(({ id, method, path, described }) =>
    h(
      'tr',
      {},
      h('td', {}, methodBadge(method)),
      h('td', {}, h('a', { href: address([contract.key, id]) }, described.summary), h('br'), h('code', { class: 'soft' }, path)),
    ),
  );
  const table = h('table', { class: 'operations' }, h('tbody', {}, ...rows));
  return h('section', { class: 'part' }, h('h2', {}, name), prose(description), table);
}

/**
 * A page of the documentation.
 *
 * @param {string} name
 * @param {AbortSignal} signal
 */
export async function guideView(name, signal) {
  const page = await control(`/docs/pages/${encodeURIComponent(name)}`, { signal });
  const element = elementsOf(page.html);
  element.querySelector('h1')?.setAttribute('tabindex', '-1');
  const rows = [...element.querySelectorAll('h2, h3, h4')].map((heading) => {
    const href = address(['guide', name, heading.id.replace(/^at-/, '')]);
    const title = heading.textContent ?? '';
    heading.append(' ', h('a', { class: 'anchor', href, 'aria-label': `Link to ${title}` }, '#'));
    return h('li', { class: heading.localName === 'h2' ? '' : 'deeper' }, h('a', { href }, title));
  });
  const label = 'On this page';
  const beside = h('nav', { class: 'on-this-page', 'aria-label': label }, h('h2', {}, label), h('ul', {}, ...rows));
  return { title: page.title, element: h('div', { class: 'guide-layout' }, element, rows.length > 1 ? beside : null) };
}
