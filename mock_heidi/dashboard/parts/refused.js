// A refusal in place of a view.

import { admin, Refusal, unanswered } from './control.js';
import { h } from './dom.js';
import { sentence } from './toast.js';

/**
 * What stands in place of a view that cannot be shown: the error, or a form for the admin token.
 *
 * @param {unknown} error
 * @param {() => void} again
 */
export function explain(error, again) {
  if (error instanceof Refusal && error.needsToken) return askForToken();
  // What a browser says of a module that it could not load helps only the people who wrote the page.
  const isLost = error instanceof TypeError && /module/i.test(error.message);
  const told = isLost ? unanswered() : error;
  const message = told instanceof Error ? told.message : String(told);
  const hint = told instanceof Refusal && told.hint ? sentence(told.hint) : '';
  // A module that was not loaded once is not asked for again by the same page.
  const button = h('button', { type: 'button', click: () => (error instanceof Refusal ? again() : location.reload()) }, 'Try again');
  return h('div', { class: 'empty', role: 'alert' }, h('h1', {}, sentence(message)), h('p', {}, hint), button);
}

function askForToken() {
  const field = h('input', { type: 'password', name: 'token', autocomplete: 'off', required: true, autofocus: true });
  const wrong = admin.token !== null && h('p', { class: 'wrong-text', role: 'alert' }, 'The server has refused the last one.');
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    admin.keep(field.value);
    location.reload();
  };
  return h(
    'form',
    { class: 'empty', submit },
    h('h1', {}, 'This server needs its admin token.'),
    h('p', {}, 'It was started with --admin-token. This tab keeps the token until you close it.'),
    wrong,
    h('label', {}, 'Admin token ', field),
    h('button', { class: 'primary' }, 'Open the page'),
  );
}
