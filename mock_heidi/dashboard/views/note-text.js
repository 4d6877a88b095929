// A note or document as a person reads it. Heidi's Markdown has headings on lines of their own and `● ` bullets.

import { h } from '../parts/dom.js';
import { plain } from '../parts/format.js';

/** @typedef {{ start: number, end: number, title: string, key: string }} Mark */
/** @typedef {{ text: string, at: number }} Line */
/** @typedef {(start: number, end: number) => Node[]} Label what stands beside a part of the text */
/** @typedef {{ kind: 'heading' | 'bullets' | 'numbers' | 'text', items: Line[][] }} Block */

const BULLET = /^\s*(?:[●•*+-]|\d{1,4}[.)])\s+/;
const NUMBER = /^\s*\d{1,4}[.)]\s/;
const HASHES = /^#{1,6}\s+/;
// A line of its own that is a heading, if prose follows it.
const TITLE = /^\p{Lu}[^.,:;!?]{0,59}$/u;

/**
 * The text as elements.
 *
 * @param {string} text
 * @param {Mark[]} marks places in the text, in order, that do not overlap
 * @param {Label} [label]
 * @returns {HTMLElement}
 */
export function markdownView(text, marks = [], label) {
  const blocks = parse(text);
  return h('div', { class: label ? 'prose labelled' : 'prose' }, ...blocks.map((block) => drawn(block, marks, label)));
}

/**
 * The lines of an HTML text without their tags, each with its label.
 *
 * @param {string} html
 * @param {Label} label
 */
export function linesView(html, label) {
  const lines = paragraphs(html).flat().map(({ text, at }) => ({ text: text.replace(/<[^<>]*>/g, ''), at, end: at + text.length }));
  const rows = lines.filter(({ text }) => text.trim() !== '');
  const row = (/** @type {typeof rows[0]} */ { text, at, end }) => h('p', {}, h('span', {}, plain(text)), h('span', { class: 'origins' }, ...label(at, end)));
  return h('div', { class: 'prose labelled' }, ...rows.map(row));
}

/**
 * The text as it is, with its marks.
 *
 * @param {string} text
 * @param {Mark[]} marks
 */
export function sourceView(text, marks = []) {
  return h('pre', { class: 'code source', tabindex: '0', role: 'region', 'aria-label': 'Source' }, ...marked(text, 0, marks));
}

/**
 * @param {string} text
 * @returns {Block[]}
 */
export function parse(text) {
  const blocks = paragraphs(text).flatMap(split);
  return blocks.map((block, at) => (isHeading(block, blocks[at + 1]) ? { ...block, kind: 'heading' } : block));
}

/**
 * The groups of lines between empty lines, each line with its place in the text.
 *
 * @param {string} text
 * @returns {Line[][]}
 */
function paragraphs(text) {
  /** @type {Line[][]} */
  const groups = [[]];
  let at = 0;
  for (const line of text.split('\n')) {
    if (line.trim() === '') groups.push([]);
    else groups[groups.length - 1].push({ text: line, at });
    at += line.length + 1;
  }
  return groups.filter((group) => group.length > 0);
}

/**
 * A group of lines as blocks: headings, lists and texts.
 *
 * @param {Line[]} lines
 * @returns {Block[]}
 */
function split(lines) {
  /** @type {Block[]} */
  const blocks = [];
  for (const line of lines) {
    const last = blocks.at(-1);
    const isItem = BULLET.test(line.text);
    const kind = HASHES.test(line.text) ? 'heading' : NUMBER.test(line.text) ? 'numbers' : isItem ? 'bullets' : 'text';
    const rest = cut(line, isItem ? BULLET : HASHES);
    const goesOn = last !== undefined && last.kind !== 'heading' && kind === 'text' && (last.kind === 'text' || /^\s/.test(line.text));
    if (goesOn) last.items[last.items.length - 1].push({ text: line.text.trimStart(), at: line.at + line.text.length - line.text.trimStart().length });
    else if (last !== undefined && last.kind === kind && isItem) last.items.push([rest]);
    else blocks.push({ kind, items: [[rest]] });
  }
  return blocks;
}

/**
 * A line without its prefix.
 *
 * @param {Line} line
 * @param {RegExp} prefix
 * @returns {Line}
 */
function cut({ text, at }, prefix) {
  const length = prefix.exec(text)?.[0].length ?? 0;
  return { text: text.slice(length), at: at + length };
}

/**
 * @param {Block} block
 * @param {Block | undefined} next
 */
function isHeading({ kind, items }, next) {
  if (kind === 'heading') return true;
  if (kind !== 'text' || items[0].length !== 1 || next === undefined) return false;
  const { text } = items[0][0];
  if (next.kind === 'bullets' || next.kind === 'numbers') return text.length <= 80 && !/[.,;!?]$/.test(text);
  return next.kind === 'text' && TITLE.test(text);
}

/**
 * @param {Block} block
 * @param {Mark[]} marks
 * @param {Label} [label]
 */
function drawn({ kind, items }, marks, label) {
  const content = (/** @type {Line[]} */ item) => {
    const lines = item.flatMap((line, at) => [...(at > 0 ? [h('br')] : []), ...inline(line, marks)]);
    if (!label) return lines;
    const last = item[item.length - 1];
    return [h('span', {}, ...lines), h('span', { class: 'origins' }, ...label(item[0].at, last.at + last.text.length))];
  };
  if (kind === 'heading') return h('h3', {}, ...content(items[0]));
  if (kind === 'text') return h('p', {}, ...content(items[0]));
  return h(kind === 'numbers' ? 'ol' : 'ul', {}, ...items.map((item) => h('li', {}, ...content(item))));
}

/**
 * A line with its bold and italic parts.
 *
 * @param {Line} line
 * @param {Mark[]} marks
 * @returns {(Node | string)[]}
 */
function inline({ text, at }, marks) {
  const nodes = [];
  let done = 0;
  for (const found of text.matchAll(/(\*\*|\*)(?=\S)([^*]+)(?<=\S)\1/g)) {
    nodes.push(...marked(text.slice(done, found.index), at + done, marks));
    const from = found.index + found[1].length;
    nodes.push(h(found[1] === '*' ? 'em' : 'strong', {}, ...marked(found[2], at + from, marks)));
    done = found.index + found[0].length;
  }
  return [...nodes, ...marked(text.slice(done), at + done, marks)];
}

/**
 * A part of the text with the marks that fall into it.
 *
 * @param {string} text
 * @param {number} at its place in the whole text
 * @param {Mark[]} marks
 * @returns {(Node | string)[]}
 */
function marked(text, at, marks) {
  const nodes = [];
  let done = 0;
  for (const { start, end, title, key } of within(marks, at, at + text.length)) {
    const [from, to] = [Math.max(start - at, done), Math.min(end - at, text.length)];
    if (from > done) nodes.push(plain(text.slice(done, from)));
    nodes.push(h('mark', { title, 'data-code': key }, plain(text.slice(from, to))));
    done = to;
  }
  if (done < text.length) nodes.push(plain(text.slice(done)));
  return nodes;
}

/**
 * The marks that touch a range.
 *
 * @param {Mark[]} marks
 * @param {number} from
 * @param {number} to
 */
export function within(marks, from, to) {
  return marks.filter(({ start, end }) => start < to && end > from);
}
