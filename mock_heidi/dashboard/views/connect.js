// What to paste into a client: base URL, API key, token, and code that signs in.

import { here, Refusal } from '../parts/control.js';
import { copy, copyBlock, copyButton } from '../parts/copy.js';
import { fill, h } from '../parts/dom.js';
import { plain, span } from '../parts/format.js';
import { address, go } from '../parts/route.js';
import { attempt } from '../parts/toast.js';
import { fixedHost } from './fixed-host.js';
import { snippets, USER } from './snippets.js';

/** @typedef {import('./mock-clock.js').MockClock} MockClock */
/** @typedef {{ token: string, expires: number, key: string }} Token */
/** @typedef {{ key: string, region: string | null }} ApiKey */
/** @typedef {{ base_url: string, https_base_url: string | null, proxy_url: string | null, api_keys: ApiKey[] }} Access */

const KEPT = `mock-heidi-token ${here.control}`;

/** What the panel connects to, and what it shows. */
export class Connect {
  /**
   * @param {Access} access
   * @param {MockClock} clock
   */
  constructor(access, clock) {
    this.access = access;
    this.keys = access.api_keys;
    this.clock = clock;
    this.key = this.keys[0]?.key ?? '';
    this.base = access.base_url;
    this.tab = 'env';
    /** @type {Token | null} */
    this.token = JSON.parse(sessionStorage.getItem(KEPT) ?? 'null');
    this.tokenRow = h('dd', { class: 'value' });
    this.code = h('div', { class: 'tab' });
    this.tabs = h('div', { class: 'segments', role: 'group', 'aria-label': 'Code for' });
    this.left = h('span', { class: 'badge' });
    clock.addEventListener('tick', () => this.#drawLeft());
    this.#drawToken();
  }

  get element() {
    return h(
      'section',
      { class: 'panel connect', 'aria-labelledby': 'connect-title' },
      h('h2', { id: 'connect-title' }, 'Connect a client'),
      h('dl', { class: 'facts' }, ...this.#facts(), h('dt', {}, 'Token'), this.tokenRow),
      this.tabs,
      this.code,
    );
  }

  #facts() {
    const base = value(this.base, 'Copy the base URL');
    const secure = this.access.https_base_url;
    const https = secure ? [h('dt', {}, 'Over https'), h('dd', { class: 'value' }, ...value(secure, 'Copy the https base URL'))] : [];
    return [h('dt', {}, 'Base URL'), h('dd', { class: 'value' }, ...base), ...https, h('dt', {}, 'API key'), h('dd', { class: 'value' }, ...this.#keys())];
  }

  #keys() {
    if (this.keys.length === 0) return ['This namespace has no API key.'];
    const button = copyButton(() => this.key, 'Copy', 'Copy the API key');
    if (this.keys.length === 1) return [h('code', {}, plain(this.key)), button];
    const options = this.keys.map(({ key, region }) =>
      h('option', { value: key }, plain(key) + (region ? ` (region ${region})` : '')),
    );
    const choose = (/** @type {Event} */ event) => {
      this.key = /** @type {HTMLSelectElement} */ (event.target).value;
      this.#drawToken();
      this.show(this.tab);
    };
    return [h('select', { 'aria-label': 'API key', change: choose }, options), button];
  }

  /**
   * Shows the code of a tab.
   *
   * @param {string} tab
   */
  show(tab) {
    const target = { base: this.base, key: this.key, url: here.server, namespace: here.namespace };
    const all = snippets(target);
    this.tab = all.some(({ name }) => name === tab) || tab === 'host' ? tab : 'env';
    const names = [...all.map(({ name, label }) => [name, label]), ['host', 'Fixed host']];
    const open = (/** @type {string} */ name) => go(address(['now'], { code: name === 'env' ? '' : name }), { replace: true });
    const had = this.tabs.contains(document.activeElement);
    fill(this.tabs, ...names.map(([name, label]) => h('button', { type: 'button', 'aria-pressed': name === this.tab ? 'true' : 'false', click: () => open(name) }, label)));
    if (had) /** @type {HTMLElement} */ (this.tabs.querySelector('[aria-pressed="true"]')).focus();
    const snippet = all.find(({ name }) => name === this.tab);
    if (snippet) fill(this.code, h('p', { class: 'soft' }, snippet.does), copyBlock(snippet.text, snippet.label));
    else fill(this.code, ...fixedHost(this.access, target));
  }

  /** Signs in as `mock-heidi token` does, and copies the token. */
  async renew() {
    const token = await attempt(() => signIn(this.base, this.key));
    if (token === undefined) return;
    this.token = { ...token, key: this.key };
    sessionStorage.setItem(KEPT, JSON.stringify(this.token));
    const had = this.tokenRow.contains(document.activeElement);
    this.#drawToken();
    if (had) this.tokenRow.querySelector('button')?.focus();
    await copy(token.token);
  }

  #drawToken() {
    const token = this.token;
    if (token === null || token.key !== this.key) {
      fill(this.tokenRow, h('button', { type: 'button', click: () => this.renew() }, 'Sign in and copy a token'), h('span', { class: 'soft small' }, `as ${USER.email}`));
      return;
    }
    const renew = h('button', { type: 'button', class: 'quiet', click: () => this.renew() }, 'Renew');
    const text = h('code', { class: 'token', title: token.token }, token.token);
    fill(this.tokenRow, text, copyButton(token.token, 'Copy', 'Copy the token'), renew, this.left);
    this.#drawLeft();
  }

  #drawLeft() {
    if (this.token === null) return;
    const seconds = Math.floor((this.token.expires - this.clock.now) / 1000);
    this.left.textContent = seconds > 0 ? `${span(seconds)} left` : 'expired';
    this.left.className = seconds > 300 ? 'badge good' : seconds > 0 ? 'badge care' : 'badge wrong';
  }
}

/**
 * @param {string} text
 * @param {string} name of the button
 */
function value(text, name) {
  return [h('code', {}, plain(text)), copyButton(text, 'Copy', name)];
}

/**
 * A token of the API.
 *
 * @param {string} base
 * @param {string} key
 * @returns {Promise<{ token: string, expires: number }>}
 */
async function signIn(base, key) {
  // The page may only ask the address that it came from, which may be the https one.
  const url = location.origin + new URL(base).pathname;
  const answer = await fetch(`${url}/jwt?${new URLSearchParams(USER)}`, { headers: { 'heidi-api-key': key }, cache: 'no-store' }).catch(() => null);
  const told = await answer?.json().catch(() => null);
  if (answer?.ok && told?.token) return { token: told.token, expires: Date.parse(told.expiration_time) };
  const cause = answer === null ? 'the server does not answer' : `the sign-in was answered with ${answer.status}`;
  throw new Refusal(answer?.status ?? 0, cause, 'look at the request; a fault may have answered it');
}
