// A switch: on or off, at once.

import { h } from './dom.js';

/**
 * @param {string} label what it switches, for a screen reader
 * @param {boolean} isOn
 * @param {(on: boolean) => void} change called with the wanted state
 */
export function toggle(label, isOn, change) {
  const click = () => change(!isOn);
  return h('button', { type: 'button', class: 'switch', role: 'switch', 'aria-checked': String(isOn), 'aria-label': label, click });
}
