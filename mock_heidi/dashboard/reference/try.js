// The form that tries an operation: it sends a request to this server and shows the answer.

import { admin } from '../parts/control.js';
import { copyButton } from '../parts/copy.js';
import { fill, h } from '../parts/dom.js';
import { attempt } from '../parts/toast.js';
import { bodyForm } from './body-form.js';
import { labelled, textInput } from './inputs.js';
import { parameterInput } from './parameter-input.js';
import { curl, javascript, python, urlOf } from './request.js';
import { send } from './send.js';
import { forget, keptToken, token, user } from './sign-in.js';
import { textBox } from './text-box.js';

/** @typedef {import('./contract.js').Operation} Operation */
/** @typedef {import('./request.js').Given} Given */

const LANGUAGES = { curl, Python: python, JavaScript: javascript };
const KEPT = 'mock-heidi-language';

/**
 * The form of an operation, the request as code, and the answer.
 *
 * @param {Operation} operation
 * @param {AbortSignal} signal ends a request when the page is left
 */
export function tryView(operation, signal) {
  const inputs = operation.parameters.map((parameter) => parameterInput(operation.contract.whole, parameter));
  const body = bodyForm(operation);
  const signIn = signInForm(operation);
  const answer = h('div', { class: 'try-answer', 'aria-live': 'polite' });
  const button = h('button', { class: 'primary' }, `Send ${operation.method}`);

  const given = (/** @type {[string, string][]} */ secrets) => {
    const values = inputs.map(({ parameter, value }) => ({ parameter, value: value() }));
    const own = values.filter(({ parameter, value }) => parameter.in === 'header' && value !== '');
    /** @type {[string, string][]} */
    const typed = own.map(({ parameter, value }) => [parameter.name, value]);
    const headers = [...secrets, ...typed, ...body.headers()];
    const url = urlOf(operation.contract.base, operation.path, values);
    return { method: operation.method, url, headers, ...body.content() };
  };
  const code = codeView(() => given(signIn.shown()));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    await attempt(async () => send(given(await signIn.headers()), answer, signal, signIn.refused));
    code.draw();
  };
  const form = h(
    'form',
    { class: 'try', submit, input: code.draw, change: code.draw },
    h('h2', { id: 'at-try', tabindex: '-1' }, 'Try it'),
    ...inputs.map(({ element }) => element),
    body.element,
    signIn.element,
    h('div', { class: 'buttons' }, button),
  );
  code.draw();
  return h('div', { class: 'try-all' }, form, answer, code.element);
}

/**
 * The request in a language that the person chooses; the tab keeps the choice.
 *
 * @param {() => Given} given
 */
function codeView(given) {
  const block = textBox('The request as code', '');
  let chosen = /** @type {keyof typeof LANGUAGES} */ (sessionStorage.getItem(KEPT) ?? 'curl');
  const buttons = Object.keys(LANGUAGES).map((name) => h('button', { type: 'button', click: () => choose(name) }, name));
  const draw = () => {
    for (const button of buttons) button.setAttribute('aria-pressed', String(button.textContent === chosen));
    fill(block, LANGUAGES[chosen](given()));
  };
  const choose = (/** @type {string} */ name) => {
    chosen = /** @type {keyof typeof LANGUAGES} */ (name);
    sessionStorage.setItem(KEPT, name);
    draw();
  };
  const group = h('div', { class: 'segments', role: 'group', 'aria-label': 'Language' }, ...buttons);
  const copying = copyButton(() => block.textContent ?? '', 'Copy', 'Copy the code');
  const element = h(
    'section',
    { class: 'code-section' },
    h('h2', { id: 'at-code', tabindex: '-1' }, 'In your code'),
    h('div', { class: 'code-head' }, group, copying),
    block,
  );
  return { element, draw };
}

/**
 * How the request shows who sends it: with a key, with a token, or with the admin token of the tab.
 *
 * @param {Operation} operation
 */
function signInForm({ contract, described }) {
  const names = (described.security ?? contract.whole.security ?? []).flatMap(Object.keys);
  if (names.includes('BearerAuth')) return bearer(contract.base);
  if (names.includes('ApiKey')) return apiKey();
  /** @type {(value: string) => [string, string][]} */
  const header = (value) => (admin.token === null ? [] : [['X-Mock-Admin-Token', value]]);
  const shown = () => header('ADMIN_TOKEN');
  return { element: null, headers: async () => header(admin.token ?? ''), shown, refused: () => undefined };
}

function apiKey() {
  const input = textInput({ value: user.key });
  const headers = () => [/** @type {[string, string]} */ (['Heidi-Api-Key', input.value])];
  return { element: labelled('Heidi-Api-Key', input), headers: async () => headers(), shown: headers, refused: () => undefined };
}

/** @param {string} base */
function bearer(base) {
  const own = textInput({ placeholder: 'Leave it empty to sign in' });
  const typed = (/** @type {keyof typeof user} */ name) =>
    textInput({ value: user[name], input: (/** @type {any} */ event) => (user[name] = event.target.value) });
  const element = h(
    'details',
    { class: 'folded' },
    h('summary', {}, 'Sign-in'),
    h('p', { class: 'soft small' }, 'The first request signs in with these, and the next ones use the same token.'),
    labelled('E-mail', typed('email')),
    labelled('Internal id', typed('id')),
    labelled('API key', typed('key')),
    labelled('Another token', own),
    h('button', { type: 'button', class: 'quiet', click: forget }, 'Sign in again with the next request'),
  );
  const header = (/** @type {string} */ value) => [/** @type {[string, string]} */ (['Authorization', `Bearer ${value}`])];
  return {
    element,
    headers: async () => header(own.value || (await token(base))),
    shown: () => header(own.value || keptToken() || 'TOKEN'),
    refused: forget,
  };
}
