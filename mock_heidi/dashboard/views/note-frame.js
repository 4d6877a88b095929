// An HTML note. It comes from a server under test or from a client, so nothing in it may act.

import { h } from '../parts/dom.js';
import { plain } from '../parts/format.js';
import { within } from './note-text.js';

/** @typedef {import('./note-text.js').Mark} Mark */

// What a note may consist of. Everything else is left out; the text of other elements stays.
const KEPT = new Set(
  'a abbr address article aside b blockquote br caption center cite code col colgroup dd del details dfn div dl dt em figcaption figure footer h1 h2 h3 h4 h5 h6 header hr i ins kbd li main mark ol p pre q s samp section small span strong sub summary sup table tbody td tfoot th thead time tr u ul var'.split(' '),
);
// The text of these is not text for a reader.
const DROPPED = new Set(['script', 'style', 'template', 'noscript', 'iframe', 'object', 'embed', 'svg', 'math', 'title', 'select', 'textarea']);
// A tag with its attributes.
const TAG = /<(\/?)([a-z][a-z0-9]*)(?:"[^"]*"|'[^']*'|[^'"<>])*>/y;
// The names of characters without a shape, as an entity gives them.
/** @type {Record<string, string>} */
const UNSEEN = {
  lrm: '\u200e', rlm: '\u200f', zwj: '\u200d', zwnj: '\u200c', shy: '\u00ad', NoBreak: '\u2060',
  ZeroWidthSpace: '\u200b', NegativeVeryThinSpace: '\u200b', NegativeThinSpace: '\u200b',
  NegativeMediumSpace: '\u200b', NegativeThickSpace: '\u200b', ApplyFunction: '\u2061', af: '\u2061',
  InvisibleTimes: '\u2062', it: '\u2062', InvisibleComma: '\u2063', ic: '\u2063',
};
const NAMED = new RegExp(`&(${Object.keys(UNSEEN).join('|')});|&(shy)`, 'g');
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
 * @param {Mark[]} marks
 * @returns {HTMLIFrameElement}
 */
export function noteFrame(html, name, marks = []) {
  const frame = h('iframe', { class: 'note-frame', sandbox: true, title: name, referrerpolicy: 'no-referrer', tabindex: '0' });
  // The policy of the frame forbids styles, so that the font is an attribute.
  frame.srcdoc = `${HEAD}<font face="system-ui, sans-serif">${harmless(html, marks)}</font>`;
  return frame;
}

/**
 * The same note with the elements that only structure a text, without any attribute.
 *
 * The browser's parser is not asked: it complains about each script in the console. What this one reads otherwise than
 * a browser does can only be lost, since nothing but the kept elements and escaped text is written.
 *
 * @param {string} html
 * @param {Mark[]} marks places in the HTML; those in the text of elements are marked
 */
export function harmless(html, marks = []) {
  // Only these letters: others may change the length of the text.
  const lower = html.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const written = [];
  let at = 0;
  while (at < html.length) {
    const next = html.indexOf('<', at);
    if (next < 0) break;
    written.push(marked(html, at, next, marks));
    const skipped = skip(lower, next);
    TAG.lastIndex = next;
    const tag = skipped < 0 ? TAG.exec(lower) : null;
    if (tag === null) {
      if (skipped < 0) written.push('&lt;');
      at = skipped < 0 ? next + 1 : skipped;
    } else {
      const [whole, slash, name] = tag;
      if (KEPT.has(name)) written.push(`<${slash}${name}>`);
      at = DROPPED.has(name) && slash === '' ? end(lower, `</${name}`, next) : next + whole.length;
    }
  }
  return [...written, marked(html, at, html.length, marks)].join('');
}

/**
 * The place after a comment or a declaration that begins here, or -1.
 *
 * @param {string} html
 * @param {number} at
 */
function skip(html, at) {
  if (html.startsWith('<!--', at)) return end(html, '--', at + 4);
  return html[at + 1] === '!' || html[at + 1] === '?' ? end(html, '', at) : -1;
}

/**
 * The place after the next `>` that follows some text.
 *
 * @param {string} html
 * @param {string} before
 * @param {number} from
 */
function end(html, before, from) {
  const start = html.indexOf(before, from);
  const found = start < 0 ? -1 : html.indexOf('>', start);
  return found < 0 ? html.length : found + 1;
}

/**
 * A text between tags, with its marks.
 *
 * @param {string} html
 * @param {number} from
 * @param {number} to
 * @param {Mark[]} marks
 */
function marked(html, from, to, marks) {
  const parts = [];
  let done = from;
  for (const { start, end: after, title } of within(marks, from, to)) {
    const [first, last] = [Math.max(start, done), Math.min(after, to)];
    parts.push(text(html.slice(done, first)), `<mark title="${text(title).replaceAll('"', '&quot;')}">`, text(html.slice(first, last)), '</mark>');
    done = last;
  }
  return [...parts, text(html.slice(done, to))].join('');
}

/**
 * A text between tags, with its entities as they are. Characters that could deceive a reader become visible.
 *
 * @param {string} given
 */
function text(given) {
  const read = given.replace(/&#(?:x([0-9a-f]{1,6})|(\d{1,7}));?/gi, (whole, hex, digits) => {
    const number = hex ? parseInt(hex, 16) : Number(digits);
    return number <= 0x10ffff && plain(String.fromCodePoint(number)) !== String.fromCodePoint(number) ? plain(String.fromCodePoint(number)) : whole;
  });
  const named = read.replace(NAMED, (_, name, open) => UNSEEN[name ?? open]);
  return plain(named).replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
