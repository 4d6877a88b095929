// Copies a text. The clipboard of the browser is there only on https and on this machine; a selection works everywhere.

import { uppermost } from './dialog.js';
import { h } from './dom.js';
import { attempt, toast } from './toast.js';

/**
 * @param {string} text
 * @returns {Promise<void>}
 */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copySelected(text)) {
      toast('The browser does not let this page copy. Select the text and copy it.', { wrong: true });
      return;
    }
  }
  toast('Copied');
}

/**
 * Copies a text by selecting it. The focus stays.
 *
 * @param {string} text
 */
function copySelected(text) {
  const focused = document.activeElement;
  const area = h('textarea', { class: 'offscreen', 'aria-hidden': 'true', tabindex: '-1', readonly: true });
  area.value = text;
  uppermost().append(area);
  area.focus({ preventScroll: true });
  area.select();
  const done = document.execCommand('copy');
  area.remove();
  if (focused instanceof HTMLElement) focused.focus({ preventScroll: true });
  return done;
}

/**
 * A button that copies.
 *
 * @param {string | (() => string | Promise<string>)} text
 * @param {string} label what the button says
 * @param {string} [name] what a screen reader says, such as `Copy the base URL`
 */
export function copyButton(text, label = 'Copy', name = label) {
  const click = () => attempt(async () => copy(typeof text === 'string' ? text : await text()));
  return h('button', { type: 'button', class: 'quiet', 'aria-label': name, click }, label);
}

/**
 * A block of text with a button that copies it.
 *
 * @param {string} text
 * @param {string} name what it is, such as `curl`
 */
export function copyBlock(text, name) {
  const code = h('pre', { class: 'code', tabindex: '0', 'aria-label': name, role: 'region' }, h('code', {}, text));
  return h('div', { class: 'copy-block' }, code, copyButton(text, 'Copy', `Copy: ${name}`));
}
