// The frame of the dashboard: menu, namespace, connection, and the view of the present address.

import { control, here, Refusal } from './control.js';
import { byId, fill, h } from './dom.js';
import { plain } from './format.js';
import { addShortcuts, listenToKeys, setViewShortcuts } from './keys.js';
import { live } from './live.js';
import { closeMenu, drawMenu, mark } from './menu.js';
import { explain } from './refused.js';
import { current, go } from './route.js';

/** @typedef {import('./route.js').Route} Route */
/** @typedef {import('./keys.js').Shortcut} Shortcut */

/**
 * What a view's module exports as `open`: it makes the view for an address. The signal ends when the view is left;
 * listeners and requests take it. `update` takes another address of the same view; without it, or if it returns
 * false, the view is made anew.
 *
 * @typedef {{ title: string, element: HTMLElement, update?: (route: Route) => unknown, shortcuts?: Shortcut[] }} View
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

/** @type {{ name: string, view: View } | null} */
let shown = null;
let failed = false;
// Ends the shown view, or the one that is being opened.
let leaving = new AbortController();

async function render() {
  const route = current();
  closeMenu();
  mark(route.view);
  if (shown?.name === route.view && shown.view.update && shown.view.update(route) !== false) return;
  leaving.abort();
  leaving = new AbortController();
  const { signal } = leaving;
  shown = null;
  failed = false;
  try {
    const view = await open(route, signal);
    if (signal.aborted) return;
    shown = { name: route.view, view };
    place(view);
  } catch (error) {
    if (signal.aborted) return;
    failed = true;
    place({ title: 'Error', element: explain(error, render) });
  }
}

/**
 * Puts a view on the page. After the first one, the focus moves to its heading, so that a screen reader reads it.
 *
 * @param {View} view
 */
function place({ title, element, shortcuts = [] }) {
  const main = byId('main');
  const isFirst = main.querySelector('h1') === null;
  document.title = `${title} · mock_heidi`;
  setViewShortcuts(shortcuts);
  fill(main, element);
  main.scrollTop = 0;
  const heading = isFirst ? null : element.querySelector('h1');
  heading?.setAttribute('tabindex', '-1');
  /** @type {HTMLElement | null} */ (element.querySelector('[autofocus]') ?? heading)?.focus({ preventScroll: true });
}

/** Opens the present view again. */
function renderAnew() {
  shown = null;
  render();
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

async function drawNamespaces() {
  const select = /** @type {HTMLSelectElement} */ (byId('namespace'));
  const { namespaces } = await control('/namespaces');
  const names = new Set([here.namespace, ...namespaces.map((/** @type {any} */ row) => row.name)]);
  if (select.length === names.size && [...select.options].every(({ value }) => names.has(value))) return;
  fill(select, [...names].map((name) => h('option', { value: name, selected: name === here.namespace }, plain(name))));
}

function drawLive() {
  const texts = { connecting: 'Connecting', live: 'Live', lost: 'Connection lost, trying again', refused: 'No access' };
  const element = byId('live');
  element.dataset.state = live.state;
  element.textContent = texts[live.state];
}

function begin() {
  drawMenu(VIEWS);
  drawLive();
  listenToKeys();
  addShortcuts(
    VIEWS.map(([name, label, key]) => ({ keys: `g ${key}`, does: `Go to ${label}`, act: () => go(`#/${name}`) })),
  );
  const forever = new AbortController().signal;
  live.addEventListener('state', drawLive);
  // A server that has restarted may want a token now.
  live.addEventListener('state', () => live.state === 'refused' && renderAnew());
  live.addEventListener('gap', () => failed && render());
  const refresh = () => drawNamespaces().catch(() => undefined);
  live.on(['namespace'], refresh, forever, refresh);
  byId('namespace').addEventListener('change', (event) => {
    const { value } = /** @type {HTMLSelectElement} */ (event.target);
    const prefix = value === 'default' ? here.root : `${here.root}/ns/${encodeURIComponent(value)}`;
    location.href = `${prefix}/_mock/${location.hash}`;
  });
  window.addEventListener('hashchange', render);
  // The view says what is wrong. Without the token there are no events either.
  const drawn = drawNamespaces().then(() => true, (error) => !error.needsToken);
  // The worker takes time to begin, so the view comes first.
  render().then(async () => (await drawn) && live.begin());
}

begin();
