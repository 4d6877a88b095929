// The search box. While it has a text, the results stand in place of the contents.

import { fill, h } from '../parts/dom.js';
import { around, find, GROUPS, matching, wordsOf } from './finding.js';
import { textInput } from './inputs.js';

/** @typedef {import('./finding.js').Entry} Entry */

// The number of results of a group that are shown at first.
const SHOWN = 8;
// The number of matching names that a result shows.
const NAMED = 4;

/**
 * The box, and what is shown for its text.
 *
 * @param {HTMLElement} list what is shown while the box is empty
 * @param {() => Entry[]} all
 */
export function searchBox(list, all) {
  const label = 'Search operations, fields and guide';
  const input = textInput({ type: 'search', placeholder: 'Search', 'aria-label': label });
  const results = h('div', { class: 'results', role: 'status' });
  results.hidden = true;
  const draw = () => {
    const asked = input.value.trim();
    list.hidden = asked !== '';
    results.hidden = asked === '';
    // The list may be scrolled to the present page.
    box.parentElement?.scrollTo(0, 0);
    if (asked !== '') fill(results, ...drawn(find(all(), asked), asked));
  };
  const press = (/** @type {KeyboardEvent} */ event) => {
    const links = [...results.querySelectorAll('a')];
    const at = links.indexOf(/** @type {any} */ (document.activeElement));
    if (event.key === 'ArrowDown') (links[at + 1] ?? links.at(-1))?.focus();
    else if (event.key === 'ArrowUp') (links[at - 1] ?? input).focus();
    else if (event.key === 'Enter' && at < 0) links[0]?.click();
    else if (event.key === 'Escape') (input.value = ''), draw(), input.focus();
    else return;
    event.preventDefault();
  };
  input.addEventListener('input', draw);
  const field = h('search', {}, input, h('kbd', { 'aria-hidden': 'true' }, '/'));
  const box = h('div', { class: 'search-box', keydown: press }, field, results);
  return { element: box, focus: () => input.select() };
}

/**
 * @param {Entry[]} found
 * @param {string} asked
 */
function drawn(found, asked) {
  const nothing = 'Nothing has all of these words. Try fewer, or a part of a word.';
  if (found.length === 0) return [h('p', { class: 'soft' }, nothing)];
  return GROUPS.flatMap((group) => groupView(group, found.filter((entry) => entry.group === group), asked));
}

/**
 * @param {string} group
 * @param {Entry[]} found
 * @param {string} asked
 */
function groupView(group, found, asked) {
  if (found.length === 0) return [];
  const rows = (/** @type {Entry[]} */ some) => some.map((entry) => h('li', {}, result(entry, asked)));
  const list = h('ul', {}, ...rows(found.slice(0, SHOWN)));
  const rest = found.slice(SHOWN);
  const show = () => (list.append(...rows(rest)), more.remove());
  const more = h('button', { type: 'button', class: 'quiet', click: show }, `Show ${rest.length} more`);
  return [h('h2', {}, group), list, rest.length > 0 ? more : null].filter((one) => one !== null);
}

/**
 * @param {Entry} entry
 * @param {string} asked
 */
function result({ title, where, names, text, href, group }, asked) {
  const said = group === GROUPS[2] ? around(text, asked) : '';
  const named = matching(names, wordsOf(asked)).slice(0, NAMED).join(', ');
  const place = h('span', { class: 'where' }, where, named ? `: ${named}` : '');
  return h('a', { href }, h('strong', {}, title), place, said ? h('span', { class: 'said' }, said) : null);
}
