// Questions and forms over the page.

import { h } from './dom.js';

/**
 * Opens a dialog and returns it. It closes with Escape, and with its `Close` button.
 *
 * @param {string} title
 * @param {...(Node | string)} content
 * @returns {HTMLDialogElement}
 */
export function openDialog(title, ...content) {
  const close = h('button', { type: 'button', class: 'quiet', 'aria-label': 'Close', click: () => dialog.close() }, 'Close');
  const dialog = h(
    'dialog',
    { 'aria-labelledby': 'dialog-title', close: () => dialog.remove() },
    h('header', {}, h('h2', { id: 'dialog-title' }, title), close),
    ...content,
  );
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
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
