// Sessions: the list, and the page of each.

import { control, here } from '../parts/control.js';
import { copyBlock } from '../parts/copy.js';
import { h } from '../parts/dom.js';
import { dateAndTime, duration, plain } from '../parts/format.js';
import { path } from '../parts/records.js';
import { address } from '../parts/route.js';
import { openAccounts } from './accounts.js';
import { nameOf } from './patient-name.js';
import { openList } from './record-list.js';
import { openSession } from './session.js';
import { openNewSession } from './session-new.js';
import { noteBadge } from './session-table.js';

/** @type {import('../parts/app.js').Open} */
export async function open(route, signal) {
  const [id] = route.rest;
  if (id === undefined) return openList(listing(), route, signal);
  if (id === 'new') return openNewSession(route, signal);
  return id === 'accounts' ? openAccounts(route, signal) : openSession(route, signal);
}

/** @returns {import('./record-list.js').Listing} */
function listing() {
  return {
    view: 'sessions',
    kind: 'sessions',
    title: 'Sessions',
    noun: 'session',
    id: 'session_id',
    hint: 'Name, patient, clinician or id',
    filters: ['patient_profile_id'],
    listens: ['patient_profiles', 'sessions'],
    columns: [
      ['name', 'Session'],
      ['patient', 'Patient'],
      ['note', 'Note'],
      ['number wide', 'Duration'],
      ['number wide', 'Audio'],
      ['created wide', 'Created'],
    ],
    draw: (row) => [
      h('span', { class: 'name' }, plain(row.session_name) || h('span', { class: 'soft' }, 'No name')),
      h('span', { class: 'patient soft' }, plain(row.patient)),
      h('span', { class: 'note' }, noteBadge(row.note)),
      h('span', { class: 'number wide' }, row.duration ? duration(row.duration) : ''),
      h('span', { class: 'number wide' }, row.audio || ''),
      h('span', { class: 'created wide soft' }, dateAndTime(row.created_at)),
    ],
    about: async ({ patient_profile_id }) => (patient_profile_id ? [await narrowed(patient_profile_id)] : []),
    actions: [h('a', { class: 'button', href: '#/sessions/accounts' }, 'Accounts')],
    empty: [
      h('h2', {}, 'There are no sessions.'),
      h('p', {}, 'Create one with the button above, or from a terminal or a test:'),
      copyBlock(CURL, 'curl that makes a session'),
      copyBlock('mock_heidi.state.add_session(session_name="Sore throat")', 'Python that makes a session'),
    ],
  };
}

/** @param {string} id of a patient profile */
async function narrowed(id) {
  const name = await control(path('patient_profiles', id)).then(nameOf, () => 'an unknown patient');
  return h(
    'p',
    { class: 'narrowed small' },
    'Only the sessions of ',
    h('a', { href: address(['patients', id]) }, name),
    '. ',
    h('a', { href: '#/sessions' }, 'Show all'),
  );
}

const CURL = `curl ${location.origin}${here.control}/state --json '{"sessions": [{"session_name": "Sore throat"}]}'`;
