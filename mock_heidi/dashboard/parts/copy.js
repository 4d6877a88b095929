// Copies a text. The clipboard of the browser is there only on https and on this machine; a selection works everywhere.

import { h } from './dom.js';
import { toast } from './toast.js';

/**
 * @param {string} text
 * @returns {Promise<void>}
 */
export async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    const area = h('textarea', { class: 'offscreen', 'aria-hidden': 'true', readonly: true });
    area.value = text;
    // A modal dialog makes the rest of the page inert.
    (document.querySelector('dialog[open]') ?? document.body).append(area);
    area.select();
    document.execCommand('copy');
    area.remove();
  }
  toast('Copied');
}

/**
 * A button that copies.
 *
 * @param {string | (() => string | Promise<string>)} text
 * @param {string} label what the button says
 * @param {string} [name] what a screen reader says, such as `Copy the base URL`
 */
export function copyButton(text, label = 'Copy', name = label) {
  const click = async () => copy(typeof text === 'string' ? text : await text());
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
