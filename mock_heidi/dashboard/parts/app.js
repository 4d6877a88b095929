// The frame of the dashboard: menu, namespace, connection, and the view of the present address.

import { control, here, Refusal } from './control.js';
import { byId, fill, h } from './dom.js';
import { addShortcuts, listenToKeys, setViewShortcuts, showShortcuts } from './keys.js';
import { live } from './live.js';
import { explain } from './refused.js';
import { current, go } from './route.js';
import { complain } from './toast.js';

/** @typedef {import('./route.js').Route} Route */
/** @typedef {import('./keys.js').Shortcut} Shortcut */

/**
 * What a view's module exports as `open`: it makes the view for an address. The signal ends when the view is left;
 * listeners and requests take it. `update` takes another address of the same view; without it the view is made anew.
 *
 * @typedef {{ title: string, element: HTMLElement, update?: (route: Route) => void, shortcuts?: Shortcut[] }} View
 * @typedef {(route: Route, signal: AbortSignal) => View | Promise<View>} Open
 */

/** The views: name, label, and the key after `g`. */
const VIEWS = [
  ['now', 'Now', 'n'],
  ['requests', 'Requests', 'r'],
  ['patients', 'Patients', 'p'],
  ['sessions', 'Sessions', 's'],
  ['faults', 'Faults', 'f'],
  ['findings', 'Findings', 'i'],
  ['coverage', 'Coverage', 'c'],
  ['assumptions', 'Assumptions', 'a'],
  ['state', 'State', 't'],
];

/** @type {{ name: string, view: View, leave: AbortController } | null} */
let shown = null;

async function render() {
  const route = current();
  document.body.classList.remove('menu-open');
  mark(route.view);
  if (shown?.name === route.view && shown.view.update) {
    shown.view.update(route);
    return;
  }
  shown?.leave.abort();
  const leave = new AbortController();
  try {
    const view = await open(route, leave.signal);
    if (leave.signal.aborted || current().view !== route.view) return;
    shown = { name: route.view, view, leave };
    document.title = `${view.title} · mock_heidi`;
    setViewShortcuts(view.shortcuts ?? []);
    fill(byId('main'), view.element);
  } catch (error) {
    shown = { name: '', view: { title: 'Error', element: byId('main') }, leave };
    fill(byId('main'), explain(error, render));
  }
}

/**
 * @param {Route} route
 * @param {AbortSignal} signal
 * @returns {Promise<View>}
 */
async function open(route, signal) {
  if (!VIEWS.some(([name]) => name === route.view)) {
    throw new Refusal(404, `there is no view ${route.view}`, 'choose one from the menu');
  }
  /** @type {{ open: Open }} */
  const module = await import(`../views/${route.view}.js`);
  return module.open(route, signal);
}

/** @param {string} view */
function mark(view) {
  for (const link of byId('menu').querySelectorAll('a')) {
    if (link.getAttribute('href') === `#/${view}`) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

function drawMenu() {
  const links = VIEWS.map(([name, label]) => h('a', { href: `#/${name}` }, label));
  const help = h('button', { type: 'button', class: 'quiet', click: showShortcuts }, 'Shortcuts ', h('kbd', {}, '?'));
  fill(byId('menu'), ...links, h('a', { class: 'apart', href: 'docs' }, 'Reference'), help);
  const button = /** @type {HTMLElement} */ (document.querySelector('.menu-button'));
  button.addEventListener('click', () => {
    const isOpen = document.body.classList.toggle('menu-open');
    button.setAttribute('aria-expanded', String(isOpen));
  });
  document.querySelector('[data-skip]')?.addEventListener('click', (event) => {
    event.preventDefault();
    byId('main').focus();
  });
}

async function drawNamespaces() {
  const select = /** @type {HTMLSelectElement} */ (byId('namespace'));
  const { namespaces } = await control('/namespaces');
  const names = new Set([here.namespace, ...namespaces.map((/** @type {any} */ row) => row.name)]);
  fill(select, [...names].map((name) => h('option', { value: name, selected: name === here.namespace }, name)));
}

function drawLive() {
  const texts = { connecting: 'Connecting', live: 'Live', lost: 'Connection lost, trying again', refused: 'No access' };
  const element = byId('live');
  element.dataset.state = live.state;
  element.textContent = texts[live.state];
}

function begin() {
  drawMenu();
  drawLive();
  listenToKeys();
  addShortcuts(
    VIEWS.map(([name, label, key]) => ({ keys: `g ${key}`, does: `Go to ${label}`, act: () => go(`#/${name}`) })),
  );
  const forever = new AbortController().signal;
  live.addEventListener('state', drawLive);
  live.on(['namespace'], () => drawNamespaces().catch(complain), forever);
  byId('namespace').addEventListener('change', (event) => {
    const { value } = /** @type {HTMLSelectElement} */ (event.target);
    const prefix = value === 'default' ? here.root : `${here.root}/ns/${encodeURIComponent(value)}`;
    location.href = `${prefix}/_mock/${location.hash}`;
  });
  window.addEventListener('hashchange', render);
  render();
  // The view says what is wrong, so that these two need not.
  drawNamespaces().then(() => live.begin(), () => undefined);
}

begin();
