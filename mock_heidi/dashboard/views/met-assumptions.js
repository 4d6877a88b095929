// How many requests have met each assumption. The kept requests are counted once, then each new one.

import { control } from '../parts/control.js';

const PAGE = 1000;

/** @typedef {{ id: number, assumptions: string[] }} Row */

export class MetAssumptions {
  /** The number of requests by the name of the assumption. @type {Map<string, number>} */
  counts = new Map();
  #last = 0;
  /** @type {Row[] | null} The requests that come while the kept ones are counted. */
  #late = null;

  /**
   * Counts the requests that the server keeps. Two calls must not overlap.
   *
   * @param {AbortSignal} signal
   */
  async load(signal) {
    /** @type {Row[]} */
    const late = (this.#late = []);
    /** @type {Row[]} */
    const kept = [];
    let before = '';
    for (let more = true; more; ) {
      const page = await control(`/requests?view=headlines&assumption=any&limit=${PAGE}${before}`, { signal });
      kept.push(...page.requests);
      more = page.more && page.requests.length > 0;
      before = more ? `&before=${page.requests[0].id}` : '';
    }
    this.#late = null;
    this.counts = new Map();
    this.#last = 0;
    for (const row of kept) this.#count(row);
    this.add(late);
  }

  /**
   * Counts new requests. True if one of them has met an assumption.
   *
   * @param {Row[]} requests
   */
  add(requests) {
    this.#late?.push(...requests);
    const fresh = requests.filter(({ id }) => id > this.#last);
    for (const row of fresh) this.#count(row);
    return fresh.some(({ assumptions }) => assumptions.length > 0);
  }

  /** @param {Row} row */
  #count({ id, assumptions }) {
    this.#last = Math.max(this.#last, id);
    for (const name of assumptions) this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }
}
