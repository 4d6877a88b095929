// A long list of which only the visible rows are drawn. It can be used with the keyboard alone.

import { h } from './dom.js';

let lists = 0;
// Rows drawn above and below the visible ones.
const SPARE = 8;

/**
 * @template T
 * @typedef {object} ListOptions
 * @property {string} label what the list holds, for a screen reader
 * @property {number} height the height of a row in px
 * @property {(item: T) => (Node | string)[]} draw the cells of a row
 * @property {(item: T) => string | number} key what tells an item from others
 * @property {(item: T) => void} open called for a click, and for Enter
 * @property {(item: T) => void} [move] called when the keyboard has selected another item
 * @property {(item: T) => string} [mark] a class for the row
 * @property {HTMLElement} [heads] the heads of the columns, which stay in sight; a screen reader hears the cells alone
 * @property {boolean} [fixed] true if items never change: another value is another object. Then a row is drawn once.
 */

/**
 * A list of rows. `show` replaces its items; the row with the selected key stays selected, wherever it moves.
 *
 * @template T
 */
export class List {
  /** @param {ListOptions<T>} options */
  constructor(options) {
    this.options = options;
    /** @type {(index: number) => T} */
    this.at = () => {
      throw new RangeError('the list is empty');
    };
    this.length = 0;
    /** @type {string | number | null} */
    this.selected = null;
    this.name = `list-${++lists}`;
    this.rows = h('div', { class: 'rows', role: 'presentation' });
    this.element = h(
      'div',
      {
        class: 'list',
        role: 'listbox',
        tabindex: '0',
        'aria-label': options.label,
        scroll: () => this.draw(),
        keydown: (/** @type {KeyboardEvent} */ event) => this.#press(event),
        click: (/** @type {MouseEvent} */ event) => this.#click(event),
      },
      options.heads ?? null,
      this.rows,
    );
    new ResizeObserver(() => this.draw()).observe(this.element);
    this.asked = 0;
    this.above = 0;
    /** @type {Map<string | number, { item: T, row: HTMLElement }>} */
    this.drawn = new Map();
  }

  /**
   * Shows a number of items. They are asked for when they are drawn. If some of them are new at the top, the others
   * stay where a person looks at them, unless the top is shown.
   *
   * @param {number} length
   * @param {(index: number) => T} at
   * @param {number} [above] the number of new items at the top
   */
  show(length, at, above = 0) {
    this.length = length;
    this.at = at;
    this.above += above;
    this.draw();
  }

  /** Draws the visible rows before the next frame, once however often it is called. */
  draw() {
    this.asked ||= requestAnimationFrame(() => {
      this.asked = 0;
      this.#draw();
    });
  }

  #draw() {
    const { height, key, fixed } = this.options;
    this.rows.style.height = `${this.length * height}px`;
    if (this.element.scrollTop > 0) this.element.scrollTop += this.above * height;
    this.above = 0;
    const { scrollTop, clientHeight } = this.element;
    const from = Math.max(0, Math.floor(scrollTop / height) - SPARE);
    const to = Math.min(this.length, Math.ceil((scrollTop + clientHeight) / height) + SPARE);
    /** @type {Map<string | number, { item: T, row: HTMLElement }>} */
    const drawn = new Map();
    let active = null;
    for (let index = from; index < to; index += 1) {
      const item = this.at(index);
      const name = key(item);
      const known = this.drawn.get(name);
      const row = fixed && known?.item === item ? known.row : this.#row(item);
      row.setAttribute('aria-selected', String(name === this.selected));
      row.setAttribute('aria-posinset', String(index + 1));
      row.setAttribute('aria-setsize', String(this.length));
      row.dataset.index = String(index);
      row.style.top = `${index * height}px`;
      if (name === this.selected) active = row.id;
      drawn.set(name, { item, row });
    }
    this.#replace(drawn);
    if (active === null) this.element.removeAttribute('aria-activedescendant');
    else this.element.setAttribute('aria-activedescendant', active);
  }

  /** @param {T} item */
  #row(item) {
    const { height, draw, key, mark } = this.options;
    const row = h('div', { class: `row ${mark?.(item) ?? ''}`, role: 'option', id: `${this.name}-${key(item)}` }, ...draw(item));
    row.style.height = `${height}px`;
    return row;
  }

  /**
   * Puts the drawn rows into the page, in their order. Those that are there stay untouched, since a browser computes
   * the layout of each that it is given.
   *
   * @param {Map<string | number, { item: T, row: HTMLElement }>} drawn
   */
  #replace(drawn) {
    const rows = new Set([...drawn.values()].map(({ row }) => row));
    for (const { row } of this.drawn.values()) if (!rows.has(row)) row.remove();
    let next = this.rows.firstChild;
    for (const row of rows) {
      if (row === next) next = next.nextSibling;
      else this.rows.insertBefore(row, next);
    }
    this.drawn = drawn;
  }

  /** The index of the selected item, or -1. */
  get index() {
    for (let index = 0; index < this.length; index += 1) {
      if (this.options.key(this.at(index)) === this.selected) return index;
    }
    return -1;
  }

  /** The selected item. */
  get item() {
    const index = this.index;
    return index < 0 ? null : this.at(index);
  }

  /**
   * Selects the item at an index and scrolls to it.
   *
   * @param {number} index
   */
  select(index) {
    if (this.length === 0) return;
    const to = Math.min(Math.max(index, 0), this.length - 1);
    this.selected = this.options.key(this.at(to));
    const top = to * this.options.height;
    const { scrollTop } = this.element;
    // The heads cover the top of the list.
    const clientHeight = this.element.clientHeight - (this.options.heads?.offsetHeight ?? 0);
    if (top < scrollTop) this.element.scrollTop = top;
    else if (top + this.options.height > scrollTop + clientHeight) {
      this.element.scrollTop = top + this.options.height - clientHeight;
    }
    this.draw();
  }

  /**
   * Selects the item at an index for a person, who may want to see more of it.
   *
   * @param {number} index
   */
  step(index) {
    this.select(index);
    if (this.item !== null) this.options.move?.(this.item);
  }

  /** @param {KeyboardEvent} event */
  #press(event) {
    const page = Math.max(1, Math.floor(this.element.clientHeight / this.options.height) - 1);
    const index = this.index;
    /** @type {Record<string, number>} */
    const moves = {
      ArrowDown: index + 1,
      j: index + 1,
      ArrowUp: Math.max(index, 1) - 1,
      k: Math.max(index, 1) - 1,
      PageDown: index + page,
      PageUp: index - page,
      Home: 0,
      End: this.length - 1,
    };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key in moves) this.step(moves[event.key]);
    else if (event.key === 'Enter' && this.item !== null) this.options.open(this.item);
    else return;
    event.preventDefault();
  }

  /** @param {MouseEvent} event */
  #click(event) {
    const row = /** @type {HTMLElement} */ (event.target).closest('.row');
    if (!(row instanceof HTMLElement)) return;
    const index = Number(row.dataset.index);
    this.select(index);
    this.options.open(this.at(index));
  }
}
