// One request, opened: what was sent and answered, why, and what can be done with it.

import { control } from '../parts/control.js';
import { fill, h } from '../parts/dom.js';
import { attempt, sentence } from '../parts/toast.js';

/** @typedef {import('./request-store.js').Headline} Headline */
/** @typedef {{ text: string, bytes: number, after: number }} Piece `after` is in seconds since the request came */

/**
 * A request as the control API shows it.
 *
 * @typedef {Headline & { namespace: string, query: Record<string, string>, headers: Record<string, string>, body: any,
 *   response_headers: Record<string, string> | null, response: any, pieces: Piece[] | null, ending: string | null, ended_by: string | null,
 *   provenance: string | null }} Request
 */

/**
 * What the panel shows of a request.
 *
 * @typedef {object} Story
 * @property {Request} row
 * @property {any[]} findings those of the namespace that the request may show
 * @property {any[]} faults the rules that acted and are still set
 * @property {{ changes: any[], omitted: number }} changes
 */

/** The panel with the open request. */
export class RequestPanel {
  /**
   * @param {AbortSignal} signal
   * @param {{ close: () => void, open: (id: number) => void }} list
   */
  constructor(signal, list) {
    this.signal = signal;
    this.list = list;
    /** @type {number | null} */
    this.id = null;
    /** @type {Request | null} */
    this.row = null;
    this.turn = new AbortController();
    this.element = h('section', { class: 'request-side', 'aria-label': 'Request', tabindex: '-1', hidden: true });
  }

  /** @param {number | null} id */
  show(id) {
    if (id === this.id) return;
    this.id = id;
    this.row = null;
    this.element.hidden = id === null;
    this.turn.abort();
    this.element.scrollTop = 0;
    if (id !== null) this.load();
  }

  /** @param {import('../parts/live.js').HeidiEvent[]} events */
  take(events) {
    const about = (/** @type {any} */ { kind, data }) => (kind === 'request' ? data.id : data.request) === this.id;
    if (this.id !== null && events.some(about)) this.load();
  }

  /** @param {boolean} whole with the whole bodies, however long */
  async load(whole = false) {
    const { id } = this;
    this.turn.abort();
    const turn = (this.turn = new AbortController());
    const signal = AbortSignal.any([turn.signal, this.signal]);
    try {
      // The list is drawn before this script is loaded.
      const [page, story] = await Promise.all([import('./request-story.js'), read(id, whole, signal)]);
      if (signal.aborted) return;
      this.row = story.row;
      const content = page.draw(story, whole ? null : () => this.load(true), this.list.open, this.signal);
      fill(this.element, this.#bar(`Request ${id}`), ...content);
    } catch (error) {
      if (!signal.aborted) fill(this.element, this.#bar(`Request ${id}`), gone(error));
    }
  }

  /** @param {string} title */
  #bar(title) {
    return h(
      'div',
      { class: 'request-bar' },
      h('button', { type: 'button', class: 'quiet back', click: this.list.close }, '← All requests'),
      h('span', { class: 'soft small' }, title),
      h('button', { type: 'button', class: 'quiet', click: this.list.close }, 'Close ', h('kbd', {}, 'Esc')),
    );
  }

  replay() {
    attempt(async () => {
      const { replay } = await import('./replay.js');
      if (this.row) this.list.open(await replay(this.row, this.signal));
    });
  }

  copyCurl() {
    attempt(async () => {
      const { copyCurl } = await import('./request-actions.js');
      if (this.row) await copyCurl(this.row);
    });
  }
}

/**
 * @param {number | null} id
 * @param {boolean} whole
 * @param {AbortSignal} signal
 * @returns {Promise<Story>}
 */
async function read(id, whole, signal) {
  const row = await control(`/requests/${id}${whole ? '?full=true' : ''}`, { signal });
  const rules = [row.fault ?? []].flat().map((rule) => `/faults/${encodeURIComponent(rule)}`);
  const [{ findings }, changes, faults] = await Promise.all([
    row.findings.length > 0 ? control(`/findings?since=${row.id - 1}`, { signal }) : { findings: [] },
    control(`/requests/${id}/changes`, { signal }),
    Promise.all(rules.map((rule) => control(rule, { signal }).catch(() => null))),
  ]);
  return { row, findings, changes, faults: faults.filter(Boolean) };
}

/** @param {any} error */
function gone(error) {
  const hint = error.hint && h('p', {}, sentence(error.hint));
  return h('div', { class: 'empty', role: 'alert' }, h('h2', {}, sentence(error.message)), hint);
}
