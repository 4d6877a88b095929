// Patient profiles: the list, and the page of each.

import { here } from '../parts/control.js';
import { copyBlock } from '../parts/copy.js';
import { h } from '../parts/dom.js';
import { plain } from '../parts/format.js';
import { openPatient } from './patient.js';
import { openList } from './record-list.js';

/** @type {import('../parts/app.js').Open} */
export async function open(route, signal) {
  return route.rest.length > 0 ? openPatient(route, signal) : openList(listing(), route, signal);
}

/** @returns {import('./record-list.js').Listing} */
function listing() {
  return {
    view: 'patients',
    kind: 'patient_profiles',
    title: 'Patients',
    noun: 'patient profile',
    id: 'id',
    hint: 'Name, birth date, e-mail or id',
    filters: [],
    listens: ['patient_profiles', 'sessions'],
    columns: [
      ['name', 'Name'],
      ['born', 'Birth date'],
      ['gender wide', 'Gender'],
      ['ehr wide', 'EHR patient id'],
      ['number', 'Sessions'],
    ],
    draw: (row) => [
      h('span', { class: 'name' }, plain(row.name) || h('span', { class: 'soft' }, 'No name')),
      h('span', { class: 'born' }, row.birth_date ?? ''),
      h('span', { class: 'gender wide soft' }, plain(row.gender ?? '')),
      h('span', { class: 'ehr wide mono' }, plain(row.ehr_patient_id ?? '')),
      h('span', { class: 'number' }, row.sessions || ''),
    ],
    empty: [
      h('h2', {}, 'There are no patient profiles.'),
      h('p', {}, 'Create one with the button above, or from a terminal or a test:'),
      copyBlock(CURL, 'curl that makes a patient profile'),
      copyBlock('mock_heidi.state.add_patient(first_name="Ada", last_name="Lovelace")', 'Python that makes a patient profile'),
    ],
  };
}

const CURL = `curl ${location.origin}${here.control}/state --json '{"patient_profiles": [{"first_name": "Ada", "last_name": "Lovelace"}]}'`;
