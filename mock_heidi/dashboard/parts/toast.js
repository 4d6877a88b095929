// Short messages at the edge of the page.

import { Refusal } from './control.js';
import { uppermost } from './dialog.js';
import { byId, h } from './dom.js';
import { plain } from './format.js';

const SHOWN = 6000;
// The most messages with an action at once.
const MOST = 3;

/**
 * Shows a message for a while, in the place of the one before. With an action, it has a button, such as `Undo`, and
 * stays beside others.
 *
 * @param {string} text
 * @param {{ wrong?: boolean, action?: string, act?: () => void }} options
 */
export function toast(text, { wrong = false, action, act } = {}) {
  const close = () => shown.remove();
  const end = () => (shown.matches(':hover, :focus-within') ? setTimeout(end, SHOWN) : close());
  const button = action && h('button', { type: 'button', click: () => (close(), act?.()) }, action);
  const shown = h('div', { class: wrong ? 'toast wrong' : 'toast' }, h('span', {}, plain(text)), button);
  const toasts = byId('toasts');
  if (toasts.parentElement !== uppermost()) uppermost().append(toasts);
  toasts.querySelector('.toast:not(:has(button))')?.remove();
  const offers = toasts.querySelectorAll('.toast');
  if (action && offers.length === MOST) offers[0].remove();
  toasts.append(shown);
  // Somebody who wants to press the button needs more time.
  setTimeout(end, action ? 4 * SHOWN : SHOWN);
}

/**
 * Shows an error: what happened and what to do.
 *
 * @param {unknown} error
 */
export function complain(error) {
  if (error instanceof DOMException && error.name === 'AbortError') return;
  const hint = error instanceof Refusal && error.hint ? ` ${sentence(error.hint)}` : '';
  toast(sentence(error instanceof Error ? error.message : String(error)) + hint, { wrong: true });
}

/**
 * A text with a capital letter and a full stop. It may quote data, so that hidden characters become visible.
 *
 * @param {string} text
 */
export function sentence(text) {
  const whole = plain(text.charAt(0).toUpperCase() + text.slice(1));
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}

/**
 * Does something that may be refused, and shows the refusal.
 *
 * @template T
 * @param {() => Promise<T>} work
 * @returns {Promise<T | undefined>}
 */
export async function attempt(work) {
  try {
    return await work();
  } catch (error) {
    complain(error);
    return undefined;
  }
}
