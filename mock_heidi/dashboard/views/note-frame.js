// An HTML note. It comes from a server under test or from a client, so nothing in it may act.

import { h } from '../parts/dom.js';
import { plain } from '../parts/format.js';

// What a note may consist of. Everything else is left out; the text of other elements stays.
const KEPT = new Set(
  'a abbr address article aside b blockquote br caption center cite code col colgroup dd del details dfn div dl dt em figcaption figure footer h1 h2 h3 h4 h5 h6 header hr i ins kbd li main mark ol p pre q s samp section small span strong sub summary sup table tbody td tfoot th thead time tr u ul var'.split(' '),
);
const EMPTY = new Set(['br', 'col', 'hr']);
// The text of these is not text for a reader.
const DROPPED = new Set(['script', 'style', 'template', 'noscript', 'iframe', 'object', 'embed', 'svg', 'math', 'title', 'select', 'textarea']);
// Nothing may be loaded into the frame, wherever it comes from.
const HEAD = '<!doctype html><meta http-equiv="Content-Security-Policy" content="default-src \'none\'"><meta name="color-scheme" content="light dark">';

/**
 * True if a text is HTML and not Markdown.
 *
 * @param {string} text
 */
export function isHtml(text) {
  return /^\s*<(?:!doctype|!--|[a-z][a-z0-9]*[\s>/])/i.test(text);
}

/**
 * A frame that shows an HTML note. Its scripts, forms, images and links do nothing: they are left out, the frame's
 * sandbox allows nothing, and its policy loads nothing.
 *
 * @param {string} html
 * @param {string} name
 * @returns {HTMLIFrameElement}
 */
export function noteFrame(html, name) {
  const frame = h('iframe', { class: 'note-frame', sandbox: true, title: name, referrerpolicy: 'no-referrer', tabindex: '0' });
  // The policy of the frame forbids styles, so that the font is an attribute.
  frame.srcdoc = `${HEAD}<font face="system-ui, sans-serif">${harmless(html)}</font>`;
  return frame;
}

/**
 * The same note with the elements that only structure a text, without any attribute.
 *
 * @param {string} html
 */
export function harmless(html) {
  // The parsed document is not shown: it runs and loads nothing.
  return written(new DOMParser().parseFromString(html, 'text/html').body);
}

/**
 * @param {Node} node
 * @returns {string}
 */
function written(node) {
  if (node instanceof Text) return escaped(plain(node.data));
  if (!(node instanceof Element)) return '';
  const name = node.localName;
  if (DROPPED.has(name)) return '';
  const inner = [...node.childNodes].map(written).join('');
  if (!KEPT.has(name)) return inner;
  return EMPTY.has(name) ? `<${name}>` : `<${name}>${inner}</${name}>`;
}

/** @param {string} text */
function escaped(text) {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
