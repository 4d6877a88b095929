// The link between a user of the API and a Heidi account.

import { control } from '../parts/control.js';
import { openDialog } from '../parts/dialog.js';
import { fill, h } from '../parts/dom.js';
import { dateAndTime, plain } from '../parts/format.js';
import { memo } from '../parts/memo.js';
import { RecordForm } from '../parts/record-form.js';
import { attempt, toast } from '../parts/toast.js';

/** @typedef {import('./session.js').Page} Page */
/** @typedef {import('./session.js').Section} Section */
/** @typedef {{ email: string, third_party_internal_id: string, managed_by: string, linked_to?: string | null, linked_at?: string | null }} User */

/** @type {import('../parts/fields.js').Field[]} */
const FIELDS = [
  { name: 'kinde_user_id', label: 'Heidi account', hint: 'Such as kp_ and 32 hex digits. Leave it empty to get the first free account of the key, or an invented one.', wide: true },
  { name: 'heidi_email', label: 'E-mail at Heidi' },
  { name: 'linked_account_plan', label: 'Plan', hint: 'Such as FREE or PRO.' },
];

/**
 * The account of the user who created the session.
 *
 * @param {Page} page
 * @returns {Section}
 */
export function accountSection(page) {
  const content = h('div', { class: 'stack' });
  const isNew = memo();
  async function draw(/** @type {any} */ { created_by: creator, managed_by }) {
    if (creator === null) {
      if (!isNew(null)) return;
      fill(content, h('p', { class: 'soft' }, 'No user of the API created this session.'), h('a', { href: '#/sessions/accounts' }, 'All accounts'));
      return;
    }
    const { records } = await control(`/state/users?${new URLSearchParams({ text: creator.email, limit: '1000' })}`, { signal: page.signal });
    const same = (/** @type {User} */ user) =>
      user.email === creator.email && user.third_party_internal_id === creator.third_party_internal_id && user.managed_by === managed_by;
    const user = records.find(same) ?? { ...creator, managed_by };
    if (!isNew(user)) return;
    fill(content, h('p', {}, plain(user.email)), h('p', { class: 'soft small' }, plain(user.third_party_internal_id)), linkStatus(user), h('div', { class: 'buttons' }, linkButton(user, () => draw(page.record))));
  }
  return { element: h('section', { class: 'panel' }, h('h2', {}, 'Clinician'), content), take: (record) => void attempt(() => draw(record)) };
}

/** @param {User} user */
export function linkStatus({ linked_to: account, linked_at: at }) {
  if (!account) return h('p', {}, h('span', { class: 'badge' }, 'Not linked'));
  const told = h('span', { class: 'soft small mono' }, plain(account));
  return h('p', { class: 'link-status' }, h('span', { class: 'badge good', title: `Linked at ${dateAndTime(at)}` }, 'Linked'), ' ', told);
}

/**
 * The button that links or unlinks a user.
 *
 * @param {User} user
 * @param {() => void} after
 */
export function linkButton(user, after) {
  const name = plain(user.email);
  if (!user.linked_to) return h('button', { type: 'button', 'aria-label': `Link ${name}`, click: () => linking(user, after) }, 'Link the account');
  return h('button', { type: 'button', 'aria-label': `Unlink ${name}`, click: () => attempt(() => unlink(user, after)) }, 'Unlink');
}

/** @param {string} email */
const at = (email) => `/users/${encodeURIComponent(email)}/link`;

/**
 * @param {User} user
 * @param {() => void} after
 */
async function unlink({ email, third_party_internal_id, managed_by, linked_to }, after) {
  await control(at(email), { method: 'DELETE', body: { third_party_internal_id, managed_by } });
  after();
  const again = async () => {
    await control(at(email), { method: 'PUT', body: { third_party_internal_id, managed_by, kinde_user_id: linked_to } });
    after();
  };
  toast(`${plain(email)} is not linked any more.`, { action: 'Undo', act: () => attempt(again) });
}

/**
 * Asks to which account a user is linked, and links it.
 *
 * @param {User | null} user null to ask for the user too
 * @param {() => void} after
 */
export function linking(user, after) {
  const who = [
    { name: 'email', label: 'E-mail of the user' },
    { name: 'third_party_internal_id', label: 'Third-party internal id' },
  ];
  const form = new RecordForm({
    fields: user === null ? [...who, ...FIELDS] : FIELDS,
    record: {},
    save: 'Link the account',
    key: `link of ${user?.email ?? 'a new user'}`,
    signal: new AbortController().signal,
    send: async ({ email = user?.email ?? '', third_party_internal_id = user?.third_party_internal_id, ...fields }) => {
      await control(at(email), { method: 'PUT', body: { third_party_internal_id, managed_by: user?.managed_by, ...fields } });
      dialog.close();
      after();
      return {};
    },
  });
  const dialog = openDialog(user === null ? 'Link another user' : `Link ${plain(user.email)}`, form.element);
  form.element.querySelector('input')?.focus();
}
