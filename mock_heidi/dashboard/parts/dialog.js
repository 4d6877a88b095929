// Questions and forms over the page.

import { byId, h } from './dom.js';

let dialogs = 0;

/**
 * Opens a dialog and returns it. It closes with Escape, with its `Close` button, and when another address is opened.
 *
 * @param {string} title
 * @param {...(Node | string)} content
 * @returns {HTMLDialogElement}
 */
export function openDialog(title, ...content) {
  const close = h('button', { type: 'button', class: 'quiet', 'aria-label': 'Close', click: () => dialog.close() }, 'Close');
  // A question may stand over a form.
  const id = `dialog-${++dialogs}`;
  const leave = () => dialog.close();
  const end = () => {
    window.removeEventListener('hashchange', leave);
    // Messages are shown in the uppermost dialog, which makes the rest of the page inert.
    if (dialog.contains(byId('toasts'))) document.body.append(byId('toasts'));
    dialog.remove();
  };
  const dialog = h(
    'dialog',
    { 'aria-labelledby': id, close: end },
    h('header', {}, h('h2', { id }, title), close),
    ...content,
  );
  document.body.append(dialog);
  dialog.showModal();
  window.addEventListener('hashchange', leave);
  return dialog;
}

/** The element in which a person can act now: the uppermost dialog, or the page. */
export function uppermost() {
  return [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body;
}

/**
 * Asks before something that cannot be undone. True if the answer is yes.
 *
 * @param {string} question
 * @param {string} yes what the button says, such as `Delete the session`
 * @returns {Promise<boolean>}
 */
export function ask(question, yes) {
  return new Promise((resolve) => {
    const answer = (/** @type {boolean} */ given) => (resolve(given), dialog.close());
    const buttons = h(
      'div',
      { class: 'buttons' },
      h('button', { type: 'button', class: 'danger', click: () => answer(true) }, yes),
      h('button', { type: 'button', autofocus: true, click: () => answer(false) }, 'Cancel'),
    );
    const dialog = openDialog(question, buttons);
    dialog.addEventListener('close', () => resolve(false));
  });
}
