// The users who have signed in, and the Heidi accounts to which they are linked.

import { control, here } from '../parts/control.js';
import { copyBlock } from '../parts/copy.js';
import { fill, h } from '../parts/dom.js';
import { count, plain } from '../parts/format.js';
import { live } from '../parts/live.js';
import { reloader } from '../parts/reload.js';
import { address, go } from '../parts/route.js';
import { linkButton, linking, linkStatus } from './account.js';
import { trail } from './trail.js';

const SHOWN = 200;

/** @type {import('../parts/app.js').Open} */
export async function openAccounts({ query }, signal) {
  const content = h('section', { class: 'panel' });
  const search = h('input', { type: 'search', 'aria-label': 'Search users', placeholder: 'E-mail, id or account', autocomplete: 'off', value: query.get('text') ?? '' });
  const load = async () => {
    const text = search.value.trim();
    const { records, total } = await control(`/state/users?${new URLSearchParams({ text, limit: `${SHOWN}` })}`, { signal });
    fill(content, ...shown(records, total, text, again));
  };
  const again = reloader(load, signal);
  search.addEventListener('input', () => go(address(['sessions', 'accounts'], { text: search.value.trim() }), { replace: true }));
  live.on(['state'], (events) => events.some(({ data }) => data.kind === 'users') && again(), signal, again);
  live.on(['reset'], again, signal);
  await load();
  const add = () => linking(null, again);
  const head = h(
    'header',
    { class: 'view-head' },
    h('h1', {}, 'Accounts'),
    h('div', { class: 'buttons' }, search, h('button', { type: 'button', class: 'primary', click: add }, 'Link another user')),
    h('p', {}, 'Users of the API who have signed in. A clinician links a user to an account in Heidi’s application; here you do it for them.'),
  );
  return {
    title: 'Accounts',
    element: h('div', { class: 'view record-page' }, trail('sessions', 'Sessions'), head, content),
    update: (to) => to.rest[0] === 'accounts' && (again(), true),
    shortcuts: [
      { keys: '/', does: 'Search', act: () => search.focus() },
      { keys: 'n', does: 'Link another user', act: add },
    ],
  };
}

/**
 * @param {import('./account.js').User[]} users
 * @param {number} total
 * @param {string} text the search
 * @param {() => void} again
 */
function shown(users, total, text, again) {
  if (total === 0 && text === '') return nothing();
  if (total === 0) return [h('h2', {}, 'No user matches.')];
  const more = total > users.length && h('p', { class: 'soft' }, `The first ${users.length} of ${count(total, 'user')}. Search to narrow them.`);
  return [table(users, again), more];
}

function nothing() {
  return [
    h('h2', {}, 'No user has signed in.'),
    h('p', { class: 'soft' }, 'A client signs in with GET /jwt. You can link a user before that:'),
    copyBlock(`curl -X PUT ${location.origin}${here.control}/users/ada@example.com/link --json '{"third_party_internal_id": "1"}'`, 'curl that links a user'),
  ];
}

/**
 * @param {import('./account.js').User[]} users
 * @param {() => void} after
 */
function table(users, after) {
  const head = h('tr', {}, ...['User', 'Third-party internal id', 'Heidi account', 'Change'].map((text) => h('th', { scope: 'col' }, text)));
  const rows = users.map((user) =>
    h('tr', {}, h('td', {}, plain(user.email)), h('td', { class: 'mono' }, plain(user.third_party_internal_id)), h('td', {}, linkStatus(user)), h('td', {}, linkButton(user, after))),
  );
  return h('div', { class: 'scroll' }, h('table', {}, h('thead', {}, head), h('tbody', {}, ...rows)));
}
