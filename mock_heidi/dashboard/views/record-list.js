// A view that lists the records of one kind: a search, the rows, and what to do when there are none.

import { control } from '../parts/control.js';
import { fill, h } from '../parts/dom.js';
import { count } from '../parts/format.js';
import { List } from '../parts/list.js';
import { live } from '../parts/live.js';
import { reloader } from '../parts/reload.js';
import { address, go } from '../parts/route.js';
import { complain } from '../parts/toast.js';
import { Pages } from './pages.js';

/** @typedef {{ index: number, record: any }} Row */
/** @typedef {Record<string, string>} Query */

/**
 * @typedef {object} Listing
 * @property {'patients' | 'sessions'} view
 * @property {string} kind as in `GET state/KIND`
 * @property {string} title
 * @property {string} noun the word for one record
 * @property {string} id the field that holds the id
 * @property {string} hint what the search looks at
 * @property {[string, string][]} columns the class and the heading of each column
 * @property {(record: any) => (Node | string)[]} draw the cells of a row
 * @property {string[]} listens the kinds of records whose changes change the rows
 * @property {string[]} filters the names in the address that narrow the list, next to `text`
 * @property {(query: Query) => Promise<Node[]>} [about] what stands above the list for a filter
 * @property {Node[]} empty what is shown when there are no records at all
 * @property {Node[]} [actions] more buttons of the head
 */

const HEIGHT = 44;
// The pause in ms between two loads. A search of ten thousand records costs the server some milliseconds.
const PAUSE = 400;

/**
 * @param {Listing} listing
 * @param {import('../parts/route.js').Route} route
 * @param {AbortSignal} signal
 * @returns {Promise<import('../parts/app.js').View>}
 */
export async function openList(listing, route, signal) {
  const { view, kind, title, noun, id, columns } = listing;
  let query = asked(listing, route);
  const search = h('input', {
    type: 'search',
    'aria-label': `Search ${title.toLowerCase()}`,
    placeholder: listing.hint,
    autocomplete: 'off',
    spellcheck: 'false',
    input: () => go(address([view], { ...query, text: search.value.trim() }), { replace: true }),
    keydown: (/** @type {KeyboardEvent} */ event) => event.key === 'ArrowDown' && (list.element.focus(), list.select(0)),
  });
  const told = h('p', { class: 'soft small', role: 'status' });
  const about = h('div', { class: 'about' });
  const heads = h('div', { class: 'columns', 'aria-hidden': 'true' }, ...columns.map(([name, text]) => h('span', { class: name }, text)));
  const nothing = h('div', { class: 'empty', hidden: true });
  /** @type {List<Row>} */
  const list = new List({
    label: title,
    heads,
    height: HEIGHT,
    key: ({ index, record }) => (record ? record[id] : `row-${index}`),
    draw: ({ index, record }) => (pages.want(index), record ? listing.draw(record) : [h('span', { class: 'soft' }, '…')]),
    open: ({ record }) => record && go(address([view, record[id]])),
  });
  const pages = new Pages(
    (offset, limit) => control(`/state/${kind}?${new URLSearchParams({ ...query, limit: `${limit}`, offset: `${offset}`, order: 'newest' })}`, { signal }),
    () => show(),
  );

  function show() {
    if (list.selected !== null && String(list.selected).startsWith('row-')) {
      // The selected row had not arrived; now it has an id.
      list.selected = pages.at(Number(String(list.selected).slice(4)))?.[id] ?? list.selected;
    }
    list.show(pages.total, (index) => ({ index, record: pages.at(index) }));
    const narrowed = Object.keys(query).length > 0;
    const isEmpty = pages.known && pages.total === 0;
    list.element.hidden = isEmpty;
    nothing.hidden = !isEmpty;
    told.textContent = narrowed ? `${count(pages.total, noun)} found` : count(pages.total, noun);
    if (isEmpty) fill(nothing, ...(narrowed ? notFound() : listing.empty));
  }

  function notFound() {
    const all = h('a', { class: 'button', href: address([view]) }, `Show all ${title.toLowerCase()}`);
    return [h('h2', {}, `No ${noun} matches.`), h('p', {}, `The search looks at: ${listing.hint.toLowerCase()}. Upper and lower case are the same.`), all];
  }

  async function narrow() {
    if (document.activeElement !== search) search.value = query.text ?? '';
    fill(about, ...((await listing.about?.(query)) ?? []));
  }

  const refresh = reloader(() => pages.refresh(), signal, PAUSE);
  live.on(['state'], (events) => events.some(({ data }) => listing.listens.includes(data.kind)) && refresh(), signal, refresh);
  live.on(['reset'], refresh, signal);
  await Promise.all([pages.begin(), narrow()]);
  const add = () => go(address([view, 'new'], query.patient_profile_id ? { patient_profile_id: query.patient_profile_id } : {}));
  const element = h(
    'div',
    { class: `view full listing ${view}` },
    h(
      'header',
      { class: 'full-head' },
      h('h1', {}, title),
      told,
      search,
      h('div', { class: 'buttons' }, ...(listing.actions ?? []), h('button', { type: 'button', class: 'primary', click: add }, `New ${noun}`)),
    ),
    about,
    list.element,
    nothing,
  );
  return {
    title,
    element,
    update: (to) => {
      if (to.rest.length > 0) return false;
      query = asked(listing, to);
      Promise.all([pages.begin(), narrow()]).catch(complain);
      return true;
    },
    shortcuts: [
      { keys: '/', does: 'Search', act: () => search.focus() },
      { keys: 'n', does: `Create a new ${noun}`, act: add },
      { keys: 'j', does: 'Go to the next row', act: () => (list.element.focus(), list.select(list.index + 1)) },
      { keys: 'k', does: 'Go to the row before', act: () => (list.element.focus(), list.select(Math.max(0, list.index - 1))) },
    ],
  };
}

/**
 * @param {Listing} listing
 * @param {import('../parts/route.js').Route} route
 * @returns {Query}
 */
function asked({ filters }, { query }) {
  const names = ['text', ...filters].filter((name) => query.get(name));
  return Object.fromEntries(names.map((name) => [name, query.get(name) ?? '']));
}
