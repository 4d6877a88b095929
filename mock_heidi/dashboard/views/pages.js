// A long list that the server holds: its rows are fetched page by page, when they are drawn.

import { complain } from '../parts/toast.js';

const SIZE = 100;

/** @typedef {{ records: any[], total: number }} Page */

/**
 * The rows of a list of the control API. `want` fetches the page of a row, unless it is there and fresh.
 */
export class Pages {
  /**
   * @param {(offset: number, limit: number) => Promise<Page>} load
   * @param {(pages: Pages) => void} changed called when rows have arrived
   */
  constructor(load, changed) {
    this.load = load;
    this.changed = changed;
    this.total = 0;
    /** True if an answer has arrived. */
    this.known = false;
    /** The pages of the rows that were drawn last: the visible rows may lie on two. */
    this.shown = [0, 0];
    this.search = 0;
    this.generation = 0;
    /** @type {Map<number, { records: any[], generation: number }>} */
    this.pages = new Map();
    /** @type {Map<number, number>} */
    this.asked = new Map();
  }

  /**
   * The row at an index, or undefined if it has not arrived.
   *
   * @param {number} index
   */
  at(index) {
    return this.pages.get(Math.floor(index / SIZE))?.records[index % SIZE];
  }

  /** @param {number} index */
  want(index) {
    const page = Math.floor(index / SIZE);
    if (page !== this.shown[1]) this.shown = [this.shown[1], page];
    if (this.pages.get(page)?.generation !== this.generation) this.#fetch(page).catch(complain);
  }

  /** Fetches the shown rows again, and the others when they are drawn. The old ones stay until the new ones arrive. */
  async refresh() {
    this.generation += 1;
    await Promise.all([...new Set(this.shown)].map((page) => this.#fetch(page)));
  }

  /** Fetches the rows of another search. */
  async begin() {
    this.generation += 1;
    this.search += 1;
    this.shown = [0, 0];
    this.pages.clear();
    await this.#fetch(0);
  }

  /** @param {number} page */
  async #fetch(page) {
    const { generation, search } = this;
    if (this.asked.get(page) === generation) return;
    this.asked.set(page, generation);
    const { records, total } = await this.load(page * SIZE, SIZE).finally(() => this.asked.get(page) === generation && this.asked.delete(page));
    if (search !== this.search) return;
    this.pages.set(page, { records, generation });
    this.total = total;
    this.known = true;
    this.changed(this);
  }
}
