// The reference: the contracts, the documentation, and the page of the present address.

import { control, Refusal } from '../parts/control.js';
import { byId, fill, h } from '../parts/dom.js';
import { addShortcuts, listenToKeys, showShortcuts } from '../parts/keys.js';
import { explain } from '../parts/refused.js';
import { address, current, go } from '../parts/route.js';
import { complain } from '../parts/toast.js';
import { contents, markPresent } from './contents.js';
import { loadApi, loadControl } from './contract.js';
import { entries } from './finding.js';
import { assumptionAddress, assumptionsOf } from './marks.js';
import { operationView } from './operation.js';
import { contractView, guideView, startView } from './overview.js';
import { anchorId, places } from './prose.js';
import { searchBox } from './search-box.js';
import { prepare } from './sign-in.js';

/** @typedef {import('../parts/route.js').Route} Route */
/** @typedef {import('./contract.js').Contract} Contract */

/** @type {Contract[]} */
let contracts = [];
/** @type {HTMLElement} */
let list;
let shown = '';
let leave = new AbortController();

async function render() {
  const route = current();
  const [name = ''] = route.rest;
  const place = route.rest.slice(1).join('/');
  showMenu(false);
  markPresent(list, name ? [route.view, name] : [route.view]);
  if (shown !== address([route.view, name])) {
    leave.abort();
    const mine = (leave = new AbortController());
    try {
      const { title, element } = await pageOf(route.view, name, mine.signal);
      if (mine.signal.aborted) return;
      document.title = `${title} · mock_heidi`;
      fill(byId('main'), element);
      shown = address([route.view, name]);
      byId('main').scrollTop = 0;
      if (!place) byId('main').querySelector('h1')?.focus({ preventScroll: true });
    } catch (error) {
      if (mine.signal.aborted) return;
      shown = '';
      fill(byId('main'), explain(error, render));
    }
  }
  if (place) show(place);
}

/**
 * @param {string} view
 * @param {string} name
 * @param {AbortSignal} signal
 * @returns {Promise<{ title: string, element: HTMLElement }>}
 */
async function pageOf(view, name, signal) {
  if (view === 'now') return { title: 'Reference', element: startView(contracts) };
  if (view === 'guide') return guideView(name || 'index', signal);
  const contract = contracts.find(({ key }) => key === view);
  if (contract === undefined) throw new Refusal(404, `there is no page ${view}`, 'choose one from the contents');
  if (!name) return { title: contract.title, element: contractView(contract) };
  const operation = contract.operations.find(({ id }) => id === name);
  if (operation === undefined) {
    throw new Refusal(404, `the contract has no operation ${name}`, 'choose one from the contents');
  }
  return { title: operation.described.summary, element: operationView(operation, signal) };
}

/**
 * Scrolls to a part of the page, opens it and gives it the focus.
 *
 * @param {string} place
 */
function show(place) {
  const part = document.getElementById(anchorId(place));
  if (part === null) return;
  if (part instanceof HTMLDetailsElement) part.open = true;
  const target = part instanceof HTMLDetailsElement ? /** @type {HTMLElement} */ (part.firstElementChild) : part;
  if (!target.hasAttribute('tabindex') && !(part instanceof HTMLDetailsElement)) target.setAttribute('tabindex', '-1');
  part.scrollIntoView({ block: 'start' });
  target.focus({ preventScroll: true });
}

/** Notes where the names in descriptions lead: operations, and assumptions of the contract of the API. */
function notePlaces() {
  const visit = (/** @type {any} */ node) => {
    if (typeof node !== 'object' || node === null) return;
    if (!Array.isArray(node)) for (const name of assumptionsOf(node)) places.set(name, assumptionAddress(name));
    for (const inner of Object.values(node)) visit(inner);
  };
  visit(contracts[0].whole);
  for (const { key, operations } of contracts.toReversed()) {
    for (const { id } of operations) places.set(id, address([key, id]));
  }
}

/**
 * Opens or closes the contents, which on a narrow screen cover the page.
 *
 * @param {boolean} isOpen
 */
function showMenu(isOpen) {
  document.body.classList.toggle('menu-open', isOpen);
  document.querySelector('.menu-button')?.setAttribute('aria-expanded', String(isOpen));
}

function listenToMenu() {
  const toggle = () => showMenu(!document.body.classList.contains('menu-open'));
  document.querySelector('.menu-button')?.addEventListener('click', toggle);
  byId('menu').addEventListener('click', (event) => {
    if (event.target instanceof Element && event.target.closest('a')) showMenu(false);
  });
  document.querySelector('[data-skip]')?.addEventListener('click', (event) => {
    event.preventDefault();
    byId('main').focus();
  });
}

async function begin() {
  listenToMenu();
  try {
    const [api, own, { pages }] = await Promise.all([loadApi(), loadControl(), control('/docs/pages'), prepare()]);
    contracts = [api, own];
    notePlaces();
    list = contents(contracts, pages);
    /** @type {import('./finding.js').Entry[] | null} */
    let all = null;
    const box = searchBox(list, () => (all ??= entries(contracts, pages)));
    const help = h('button', { type: 'button', class: 'quiet', click: showShortcuts }, 'Shortcuts ', h('kbd', {}, '?'));
    fill(byId('menu'), box.element, list, help);
    const search = () => {
      showMenu(true);
      box.focus();
    };
    addShortcuts([
      { keys: '/', does: 'Search', act: search },
      { keys: 't', does: 'Try the operation', act: () => show('try') },
      { keys: 'g a', does: 'Go to the Heidi API', act: () => go('#/api') },
      { keys: 'g c', does: 'Go to the control API', act: () => go('#/control') },
      { keys: 'g g', does: 'Go to the guide', act: () => go('#/guide/index') },
    ]);
    listenToKeys();
    // The way back from the dashboard, where an assumption may have been switched.
    window.addEventListener('pageshow', (event) => event.persisted && location.reload());
    window.addEventListener('hashchange', () => render().catch(complain));
    await render();
  } catch (error) {
    fill(byId('main'), explain(error, () => location.reload()));
  }
}

begin();
