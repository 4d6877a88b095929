// Descriptions of the contracts, and the pages of the documentation. Both become elements without any markup of theirs.

import { h } from '../parts/dom.js';

/** Where a name in backquotes leads, such as an operation or an assumption. @type {Map<string, string>} */
export const places = new Map();

/**
 * The paragraphs of a description. A name in backquotes that the reference knows becomes a link.
 *
 * @param {string | undefined} text
 */
export function prose(text) {
  const paragraphs = (text ?? '').trim().split(/\n\s*\n/).filter(Boolean);
  return h('div', { class: 'prose' }, ...paragraphs.map((paragraph) => h('p', {}, ...inline(paragraph))));
}

/**
 * A text with the parts in backquotes as code.
 *
 * @param {string} text
 * @returns {(Node | string)[]}
 */
export function inline(text) {
  return text.split(/`([^`]+)`/).map((part, index) => (index % 2 === 0 ? part : code(part)));
}

/** @param {string} text */
function code(text) {
  const place = places.get(text);
  return place === undefined ? h('code', {}, text) : h('a', { href: place }, h('code', {}, text));
}

/** The tags of a page of the documentation. @type {Set<string>} */
const TAGS = new Set(
  'a code em h1 h2 h3 h4 h5 h6 li ol p pre strong table tbody td th thead tr ul'.split(' '),
);

/**
 * The elements of a page. Only plain tags are taken, and of their attributes only links, anchors, and whether a cell
 * holds numbers.
 *
 * @param {string} html
 * @returns {HTMLElement}
 */
export function elementsOf(html) {
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  return h('article', { class: 'prose guide' }, ...[...parsed.body.childNodes].map(taken));
}

/**
 * @param {Node} node
 * @returns {Node | string}
 */
function taken(node) {
  if (!(node instanceof Element)) return node.textContent ?? '';
  const tag = node.localName;
  if (!TAGS.has(tag)) return node.textContent ?? '';
  const element = h(/** @type {keyof HTMLElementTagNameMap} */ (tag), {}, ...[...node.childNodes].map(taken));
  const [id, link] = [node.getAttribute('id'), node.getAttribute('href')];
  if (id !== null) element.id = anchorId(id);
  if (link !== null && /^(#\/|\.\/#\/|https?:)/.test(link)) element.setAttribute('href', link);
  if (node.className === 'number') element.className = 'number';
  return tag === 'table' || tag === 'pre' ? scrolling(element) : element;
}

/**
 * The id of an anchor in the page, so that it never meets an id of the frame.
 *
 * @param {string} anchor
 */
export function anchorId(anchor) {
  return `at-${anchor}`;
}

/** @param {HTMLElement} element */
function scrolling(element) {
  const [name, label] = element.localName === 'pre' ? ['scroll code-box', 'Code'] : ['scroll', 'Table'];
  return h('div', { class: name, tabindex: '0', role: 'group', 'aria-label': label }, element);
}
