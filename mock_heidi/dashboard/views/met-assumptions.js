// How many requests have met each assumption. The kept requests are counted once, then each new one.

import { control } from '../parts/control.js';

const PAGE = 1000;

export class MetAssumptions {
  constructor() {
    /** The number of requests by the name of the assumption. @type {Map<string, number>} */
    this.counts = new Map();
    this.last = 0;
  }

  /**
   * Counts the requests that the server keeps.
   *
   * @param {AbortSignal} signal
   */
  async load(signal) {
    this.counts.clear();
    this.last = 0;
    let before = '';
    for (let more = true; more; ) {
      const page = await control(`/requests?view=headlines&assumption=any&limit=${PAGE}${before}`, { signal });
      this.add(page.requests, true);
      more = page.more && page.requests.length > 0;
      before = more ? `&before=${page.requests[0].id}` : '';
    }
  }

  /**
   * Counts requests. True if one of them has met an assumption.
   *
   * @param {{ id: number, assumptions: string[] }[]} requests
   * @param {boolean} older true if they may be older than the counted ones
   */
  add(requests, older = false) {
    let isNew = false;
    for (const { id, assumptions } of requests) {
      if (!older && id <= this.last) continue;
      this.last = Math.max(this.last, id);
      for (const name of assumptions) this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
      isNew ||= assumptions.length > 0;
    }
    return isNew;
  }
}
