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
      this.rows,
    );
    new ResizeObserver(() => this.draw()).observe(this.element);
    this.asked = 0;
    this.above = 0;
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
    const { height, draw, key, mark } = this.options;
    this.rows.style.height = `${this.length * height}px`;
    if (this.element.scrollTop > 0) this.element.scrollTop += this.above * height;
    this.above = 0;
    const { scrollTop, clientHeight } = this.element;
    const from = Math.max(0, Math.floor(scrollTop / height) - SPARE);
    const to = Math.min(this.length, Math.ceil((scrollTop + clientHeight) / height) + SPARE);
    const drawn = [];
    let active = null;
    for (let index = from; index < to; index += 1) {
      const item = this.at(index);
      const isSelected = key(item) === this.selected;
      const row = h(
        'div',
        {
          class: `row ${mark?.(item) ?? ''}`,
          role: 'option',
          id: `${this.name}-${key(item)}`,
          'aria-selected': isSelected,
          'aria-posinset': index + 1,
          'aria-setsize': this.length,
          'data-index': index,
        },
        ...draw(item),
      );
      row.setAttribute('aria-selected', String(isSelected));
      row.style.height = `${height}px`;
      row.style.top = `${index * height}px`;
      if (isSelected) active = row.id;
      drawn.push(row);
    }
    this.rows.replaceChildren(...drawn);
    if (active === null) this.element.removeAttribute('aria-activedescendant');
    else this.element.setAttribute('aria-activedescendant', active);
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
    const { scrollTop, clientHeight } = this.element;
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
