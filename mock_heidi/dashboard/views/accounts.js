// The users who have signed in, and the Heidi accounts to which they are linked.

import { control, here } from '../parts/control.js';
import { copyBlock } from '../parts/copy.js';
import { fill, h } from '../parts/dom.js';
import { count, plain } from '../parts/format.js';
import { live } from '../parts/live.js';
import { reloader } from '../parts/reload.js';
import { linkButton, linking, linkStatus } from './account.js';
import { trail } from './trail.js';

const SHOWN = 200;

/** @type {import('../parts/app.js').Open} */
export async function openAccounts(_route, signal) {
  const content = h('section', { class: 'panel' });
  const load = async () => {
    const { records, total } = await control(`/state/users?limit=${SHOWN}`, { signal });
    fill(content, ...(total === 0 ? nothing() : [table(records, again), total > SHOWN && h('p', { class: 'soft' }, `The first ${SHOWN} of ${count(total, 'user')}.`)]));
  };
  const again = reloader(load, signal);
  live.on(['state'], (events) => events.some(({ data }) => data.kind === 'users') && again(), signal, again);
  live.on(['reset'], again, signal);
  await load();
  const add = () => linking(null, again);
  const head = h(
    'header',
    { class: 'view-head' },
    h('h1', {}, 'Accounts'),
    h('div', { class: 'buttons' }, h('button', { type: 'button', class: 'primary', click: add }, 'Link another user')),
    h('p', {}, 'Users of the API who have signed in. A clinician links a user to an account in Heidi’s application; here you do it for them.'),
  );
  return { title: 'Accounts', element: h('div', { class: 'view record' }, trail('sessions', 'Sessions'), head, content), shortcuts: [{ keys: 'n', does: 'Link another user', act: add }] };
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
