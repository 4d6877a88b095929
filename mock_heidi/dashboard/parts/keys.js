// Shortcuts of the keyboard. `?` shows them all.

import { h } from './dom.js';
import { openDialog } from './dialog.js';

/**
 * A shortcut. Without `act` it is only shown, since the element with the focus hears the key itself.
 *
 * @typedef {{ keys: string, does: string, act?: (event: KeyboardEvent) => void }} Shortcut
 */

/** @type {Shortcut[]} */
const everywhere = [];
/** @type {Shortcut[]} */
let ofView = [];
let first = '';
let firstAt = 0;
// The time in ms in which the second key of a shortcut must come.
const TOGETHER = 2000;

/**
 * Adds shortcuts that work in every view. `g r` means: press g, then r.
 *
 * @param {Shortcut[]} shortcuts
 */
export function addShortcuts(shortcuts) {
  everywhere.push(...shortcuts);
}

/**
 * Replaces the shortcuts of the view.
 *
 * @param {Shortcut[]} shortcuts
 */
export function setViewShortcuts(shortcuts) {
  ofView = shortcuts;
}

/** Shows all shortcuts. */
export function showShortcuts() {
  if (document.querySelector('dialog[open]')) return;
  const rows = (/** @type {Shortcut[]} */ shortcuts) =>
    shortcuts.map(({ keys, does }) =>
      h('div', { class: 'shortcut' }, h('dt', {}, ...keys.split(' ').map((key) => h('kbd', {}, key))), h('dd', {}, does)),
    );
  const here = ofView.length > 0 ? [h('h3', {}, 'In this view'), h('dl', {}, ...rows(ofView))] : [];
  openDialog('Shortcuts', ...here, h('h3', {}, 'Everywhere'), h('dl', {}, ...rows(everywhere)));
}

/** @param {KeyboardEvent} event */
function press(event) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  // Until the next frame, the focus may still be in a dialog that has closed.
  const at = /** @type {HTMLElement} */ (event.target);
  if (at.closest('input, textarea, select, [contenteditable], dialog[open]')) return;
  const pressed = first && event.timeStamp - firstAt < TOGETHER ? `${first} ${event.key}` : event.key;
  first = '';
  const act = [...ofView, ...everywhere].find((shortcut) => shortcut.act && shortcut.keys === pressed)?.act;
  if (act) {
    event.preventDefault();
    act(event);
  } else if ([...ofView, ...everywhere].some(({ keys }) => keys.startsWith(`${event.key} `))) {
    first = event.key;
    firstAt = event.timeStamp;
  }
}

/** Begins to listen to the keyboard. */
export function listenToKeys() {
  document.addEventListener('keydown', press);
  addShortcuts([{ keys: '?', does: 'Show the shortcuts', act: showShortcuts }]);
}
