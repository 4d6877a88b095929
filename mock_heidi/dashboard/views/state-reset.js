// The reset of the namespace, whole or in parts.

import { control } from '../parts/control.js';
import { openDialog } from '../parts/dialog.js';
import { h } from '../parts/dom.js';
import { attempt } from '../parts/toast.js';
import { remember, undoable } from './state-undo.js';

/** @type {Record<string, string>} */
const PARTS = {
  state: 'Records',
  clock: 'Clock',
  ids: 'Next ids',
  transitions: 'When work is done',
  assumptions: 'Assumptions',
  replies: 'Replies',
  faults: 'Faults',
  requests: 'Requests',
  findings: 'Findings',
};

/** Asks which parts are reset, and resets them. */
export function askForReset() {
  const boxes = Object.entries(PARTS).map(([name, label]) => {
    const box = h('input', { type: 'checkbox', name, checked: true, change: () => (button.disabled = chosen().length === 0) });
    return h('label', {}, box, ` ${label}`);
  });
  const chosen = () => [...form.querySelectorAll('input')].filter(({ checked }) => checked).map(({ name }) => name);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (await attempt(() => reset(chosen()))) dialog.close();
  };
  const button = h('button', { class: 'danger' }, 'Reset');
  const form = h(
    'form',
    { class: 'form', submit },
    h('fieldset', { class: 'wide checks parts' }, h('legend', {}, 'What goes back to the start of the server'), ...boxes),
    h('p', { class: 'wide soft' }, 'Streams under way end. You can undo this, but requests and findings do not come back.'),
    h('div', { class: 'buttons' }, button, h('button', { type: 'button', autofocus: true, click: () => dialog.close() }, 'Cancel')),
  );
  const dialog = openDialog('Reset this namespace', form);
}

/** @param {string[]} parts */
async function reset(parts) {
  const keep = Object.keys(PARTS).filter((part) => !parts.includes(part));
  const also = await remember(parts);
  const what = keep.length === 0 ? 'The namespace' : parts.map((part) => PARTS[part]).join(', ');
  return undoable('before-reset', () => control(`/reset?keep=${keep}`, { method: 'POST' }), `Reset: ${what}.`, also);
}
