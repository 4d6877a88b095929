// The headlines of the requests that the list shows, kept up to date. No step takes longer with more requests.

import { control } from '../parts/control.js';
import { LEVELS } from './levels.js';
import { localTest, queryOf } from './request-filter.js';

/** @typedef {import('../parts/live.js').HeidiEvent} HeidiEvent */
/** @typedef {import('./request-filter.js').Filter} Filter */
/** @typedef {import('./levels.js').Level} Level */

/**
 * @typedef {object} Headline
 * @property {number} id
 * @property {string} at
 * @property {string | null} operation
 * @property {string} method
 * @property {string} path
 * @property {number} body_bytes
 * @property {number | null} status
 * @property {number} response_bytes
 * @property {number | null} piece_count
 * @property {number | null} duration in seconds
 * @property {string | string[] | null} fault
 * @property {string[]} findings
 * @property {Level | null} finding_level the highest
 * @property {boolean} client_left
 * @property {string[]} assumptions
 * @property {string | null} why
 * @property {boolean} stray
 */

// The first page is small, so that something is there at once.
const FIRST_PAGE = 200;
const PAGE = 2000;
// The most headlines that the page keeps, and how many of the oldest go at once.
const MOST = 20_000;
const OLDEST = 2000;
// The least time in ms between two questions for new requests that match a filter.
const PAUSE = 200;
// The events that carry a headline: of a request that takes time when it begins, and of each when it is complete.
const WITH_HEADLINE = ['request_started', 'request'];

/** The requests that match a filter, oldest first. */
export class RequestStore {
  /**
   * @param {AbortSignal} signal
   * @param {() => void} changed called after each change
   */
  constructor(signal, changed) {
    this.signal = signal;
    this.changed = changed;
    /** @type {Headline[]} */
    this.rows = [];
    /** @type {Map<number, Headline>} */
    this.byId = new Map();
    /** @type {Filter} */
    this.filter = {};
    this.added = 0;
    this.ready = false;
    /** @type {unknown} */
    this.error = null;
    this.turn = new AbortController();
    /** The lowest id that may have changed since the last question. */
    this.stale = Infinity;
    this.asking = false;
    /** @type {Headline[] | null} What comes while the newest page is asked for. */
    this.late = null;
  }

  /**
   * Loads the requests that match: the newest page, then the older ones.
   *
   * @param {Filter} filter
   */
  async load(filter = this.filter) {
    this.turn.abort();
    const turn = (this.turn = new AbortController());
    const signal = AbortSignal.any([turn.signal, this.signal]);
    this.filter = filter;
    const fits = localTest(filter);
    /** @type {Headline[]} */
    const late = [];
    this.late = late;
    try {
      for (let [before, limit, more] = ['', FIRST_PAGE, true]; more; limit = PAGE) {
        const page = await this.#ask({ limit: String(limit), ...(before && { before }) }, signal);
        if (turn !== this.turn) return;
        if (before === '') {
          this.late = null;
          this.#clear();
        }
        this.#merge(page.requests.filter(fits));
        // An answer may be older than what has come meanwhile.
        if (before === '') this.#merge(late);
        more = page.more && this.rows.length < MOST;
        before = String(page.requests[0]?.id ?? '');
        this.#tell(null);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#clear();
      this.#tell(error);
    }
  }

  /** Asks for the requests that may have come before the events did. */
  async catchUp() {
    if (!this.ready) return this.load();
    const open = this.rows.find(({ duration }) => duration === null);
    return this.#renew(open?.id ?? (this.rows.at(-1)?.id ?? 0) + 1, this.turn);
  }

  /** @param {unknown} error */
  #tell(error) {
    this.error = error;
    this.ready = true;
    this.changed();
  }

  /** True if only the server can say what matches. */
  get isAsked() {
    return queryOf(this.filter).size > 0;
  }

  /**
   * Takes events as they come.
   *
   * @param {HeidiEvent[]} events
   */
  take(events) {
    if (events.some(({ kind, data }) => kind === 'reset' && data.reset.includes('requests'))) {
      this.load();
      return;
    }
    if (this.isAsked) {
      this.#askAgain(events);
      return;
    }
    const rows = events.flatMap(({ kind, data }) => (WITH_HEADLINE.includes(kind) ? [data] : []));
    this.added += this.#merge(rows.filter(localTest(this.filter)));
    for (const { kind, data } of events) if (kind === 'finding') this.#find(data);
    this.changed();
  }

  /** @param {{ request: number, code: string, level: Level }} finding */
  #find({ request, code, level }) {
    const row = this.byId.get(request);
    if (!row || row.findings.includes(code)) return;
    const highest = LEVELS.find((one) => one === level || one === row.finding_level) ?? level;
    this.#merge([{ ...row, findings: [...row.findings, code], finding_level: highest }]);
  }

  /** @param {HeidiEvent[]} events */
  async #askAgain(events) {
    for (const { kind, data } of events) {
      const id = WITH_HEADLINE.includes(kind) ? data.id : kind === 'finding' ? data.request : Infinity;
      this.stale = Math.min(this.stale, id);
    }
    if (this.asking) return;
    this.asking = true;
    try {
      while (this.stale < Infinity && !this.signal.aborted) {
        const from = this.stale;
        this.stale = Infinity;
        await this.#renew(from, this.turn);
        await new Promise((resolve) => setTimeout(resolve, PAUSE));
      }
    } finally {
      this.asking = false;
    }
  }

  /**
   * Replaces the requests from an id on.
   *
   * @param {number} from
   * @param {AbortController} turn
   */
  async #renew(from, turn) {
    // A filter's own `since` may be a moment. Then only the whole question is right.
    if ('since' in this.filter) return this.load();
    const page = await this.#ask({ since: String(from - 1) }, this.signal).catch(() => null);
    if (page === null || turn !== this.turn) return;
    const found = page.requests.filter(localTest(this.filter));
    const fresh = found.filter(({ id }) => !this.byId.has(id)).length;
    for (const { id } of this.#cut(from)) this.byId.delete(id);
    this.#merge(found);
    this.added += fresh;
    this.changed();
  }

  /**
   * @param {Record<string, string>} page
   * @param {AbortSignal} signal
   * @returns {Promise<{ requests: Headline[], more: boolean }>}
   */
  #ask(page, signal) {
    const query = new URLSearchParams({ view: 'headlines', ...page, ...Object.fromEntries(queryOf(this.filter)) });
    if (page.before !== undefined) query.set('before', page.before);
    return control(`/requests?${query}`, { signal });
  }

  #clear() {
    this.rows = [];
    this.byId.clear();
  }

  /**
   * Adds headlines and renews known ones. Returns the number of new ones.
   *
   * @param {Headline[]} found
   */
  #merge(found) {
    this.late?.push(...found);
    const fresh = found.filter((row) => {
      const isNew = !this.byId.has(row.id);
      if (isNew) this.byId.set(row.id, row);
      else this.#put(row);
      return isNew;
    });
    if (fresh.length === 0) return 0;
    // Requests end in another order than they begin, so the newest rows may have to move a little.
    const tail = [...this.#cut(Math.min(...fresh.map(({ id }) => id))), ...fresh].sort((one, other) => one.id - other.id);
    for (const row of tail) this.rows.push(row);
    if (this.rows.length > MOST + OLDEST) {
      for (const { id } of this.rows.splice(0, this.rows.length - MOST)) this.byId.delete(id);
    }
    return fresh.length;
  }

  /**
   * Puts a headline in the place of the one with its id.
   *
   * @param {Headline} row
   */
  #put(row) {
    this.byId.set(row.id, row);
    this.rows[this.#place(row.id)] = row;
  }

  /**
   * Takes the rows from an id on out of the list, and returns them.
   *
   * @param {number} from
   */
  #cut(from) {
    return this.rows.splice(this.#place(from));
  }

  /**
   * The index of the first row with this id or a later one.
   *
   * @param {number} id
   */
  #place(id) {
    let [low, high] = [0, this.rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.rows[middle].id < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
