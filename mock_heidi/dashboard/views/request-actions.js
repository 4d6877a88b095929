// What can be done with a request.

import { control, controlText } from '../parts/control.js';
import { copy, copyBlock } from '../parts/copy.js';
import { openDialog } from '../parts/dialog.js';
import { h } from '../parts/dom.js';
import { plain } from '../parts/format.js';
import { attempt, sentence, toast } from '../parts/toast.js';
import { isMasked } from './fault-masked.js';
import { replay } from './replay.js';
import { isForm } from './request-exchange.js';
import { testLines } from './request-test.js';

/** @typedef {import('./request.js').Request} Request */

/** What the next request may get: label, rule, and what happens. */
const FAILURES = /** @type {[string, object, string][]} */ ([
  ['500', { status: 500 }, 'The server answers 500. The work is not done.'],
  ['429', { retry_after: 2 }, 'Too many requests: 429 with Retry-After: 2.'],
  ['Reset', { rst: true }, 'The connection is reset before the answer.'],
  ['Slow', { slow_first_byte: 10 }, "The answer begins 10 seconds late, by the mock's clock."],
  ['Half a stream', { end_after: 3 }, 'The stream ends after 3 pieces, as if it were complete.'],
  ['Expired token', { expire_token: true }, 'The token of the request has expired: 401.'],
]);

/**
 * The buttons for a request.
 *
 * @param {Request} row
 * @param {any[]} rules the rules that acted on it
 * @param {(id: number) => void} select opens another request
 * @param {AbortSignal} signal
 */
export function actions(row, rules, select, signal) {
  const button = (/** @type {string} */ label, /** @type {() => unknown} */ act, off = false) =>
    h('button', { type: 'button', disabled: off, click: () => attempt(async () => act()) }, label);
  return h(
    'div',
    { class: 'buttons' },
    button('Copy as curl', () => copyCurl(row)),
    button('Send again', async () => select(await replay(row, signal))),
    button('Fail the next one like this', () => chooseFailure(row, rules), row.operation === null),
    button('Save as reply', () => chooseReply(row), row.operation === null || row.status === null),
    button('Expect in a test', () => showTest(row, rules)),
  );
}

/** @param {Request} row */
export async function copyCurl(row) {
  await copy(await controlText(`/requests?since=${row.id - 1}&before=${row.id + 1}&format=curl`));
}

/**
 * @param {Request} row
 * @param {any[]} rules
 */
function chooseFailure(row, rules) {
  const choices = [...rules.filter((rule) => !isMasked(rule)).map(sameAgain), ...failuresFor(row)].map(([label, rule, said]) => {
    const choose = () => attempt(() => fail(row, label, rule, dialog));
    return h('li', {}, h('button', { type: 'button', click: choose }, label), h('span', { class: 'soft' }, said));
  });
  const dialog = openDialog(
    `Fail the next ${row.operation}`,
    h('p', { class: 'soft' }, 'Once, for the next request of this operation.'),
    h('ul', { class: 'choices' }, ...choices),
  );
}

/**
 * A rule that acted on the request, for the next request alone.
 *
 * @param {any} rule
 * @returns {[string, object, string]}
 */
function sameAgain({ id, hits, matched, label, says, times, after, every, nth, probability, ttl, ...rule }) {
  return [`${id} again`, rule, sentence(plain(says).replace(/^[^:]*: /, ''))];
}

/**
 * @param {Request} row
 * @returns {[string, object, string][]}
 */
function failuresFor(row) {
  const fits = FAILURES.filter(([label]) => {
    if (label === 'Half a stream') return row.pieces !== null;
    return label !== 'Expired token' || 'authorization' in row.headers;
  });
  return fits.map(([label, rule, said]) => [label, { operation: row.operation, ...rule }, said]);
}

/**
 * @param {Request} row
 * @param {string} label
 * @param {object} rule
 * @param {HTMLDialogElement} dialog
 */
async function fail(row, label, rule, dialog) {
  const body = { ...rule, times: 1, label: `like request ${row.id}` };
  const made = await control('/faults', { method: 'POST', body });
  dialog.close();
  const undo = () => attempt(() => control(`/faults/${encodeURIComponent(made.id)}`, { method: 'DELETE' }));
  toast(`The next ${row.operation} fails: ${label}.`, { action: 'Undo', act: undo });
}

/** @param {Request} row */
async function chooseReply(row) {
  const whole = await control(`/requests/${row.id}?full=true`);
  const reply = replyOf(whole);
  const session = /\/sessions\/(\d+)/.exec(row.path)?.[1];
  const once = h('input', { type: 'checkbox' });
  const only = h('input', { type: 'checkbox', checked: session !== undefined });
  const save = () => attempt(async () => {
    const body = { ...reply, ...(once.checked && { times: 1 }), ...(session && only.checked && { session_id: session }) };
    const made = await control('/replies', { method: 'POST', body });
    dialog.close();
    const undo = () => attempt(() => control(`/replies/${encodeURIComponent(made.id)}`, { method: 'DELETE' }));
    toast(`Saved as ${made.id}. The next ${row.operation} gets this answer.`, { action: 'Undo', act: undo });
  });
  const dialog = openDialog(
    `Save this answer as a reply for ${row.operation}`,
    session ? h('label', {}, only, ` Only for the session ${session}`) : '',
    h('label', {}, once, ' Only once'),
    copyBlock(JSON.stringify(reply, null, 2), 'the reply'),
    h('div', { class: 'buttons' }, h('button', { type: 'button', class: 'primary', click: save }, 'Save the reply')),
  );
}

/**
 * The reply that gives an answer again.
 *
 * @param {Request} row with its whole bodies
 */
function replyOf(row) {
  const { operation, status, response, pieces } = row;
  if (JSON.stringify(response)?.includes('"***"')) {
    throw new Error('This answer holds values that the journal hides, so it cannot be sent again.');
  }
  if (pieces !== null) return { operation, pieces: pieces.map(({ text }) => text) };
  if (typeof response === 'string') {
    throw new Error('This answer is not JSON. A reply can hold only JSON, or the text of a stream.');
  }
  return { operation, status, ...(response !== null && { body: response }) };
}

/**
 * @param {Request} row
 * @param {any[]} rules the rules that acted on it
 */
function showTest(row, rules) {
  const note = isForm(row.body) ? ' The parts of the form are not compared.' : '';
  openDialog(
    'Expect this in a test',
    h('p', { class: 'soft' }, `Paste this into a test file. The pytest plugin gives it the fixture mock_heidi.${note}`),
    copyBlock(testLines(row, rules), 'the test'),
  );
}
