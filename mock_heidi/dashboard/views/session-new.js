// Makes a session.

import { control } from '../parts/control.js';
import { fill, h } from '../parts/dom.js';
import { path } from '../parts/records.js';
import { RecordForm } from '../parts/record-form.js';
import { address, go } from '../parts/route.js';
import { nameOf } from './patient-name.js';
import { pickPatient } from './picker.js';
import { trail } from './trail.js';

/** @type {import('../parts/fields.js').Field[]} */
const FIELDS = [
  { name: 'session_name', label: 'Session name', hint: 'Without one, the server numbers the session.' },
  { name: 'language_code', label: 'Language', hint: 'Such as en or es-MX.' },
  { name: 'ehr_appt_id', label: 'EHR appointment id' },
];

/** @type {import('../parts/app.js').Open} */
export async function openNewSession({ query }, signal) {
  let patient = query.get('patient_profile_id');
  const chosen = h('span', {});
  const choose = async () => {
    const one = await pickPatient();
    if (one) show(one.id, one.name);
  };
  function show(/** @type {string | null} */ id, /** @type {string} */ name) {
    patient = id;
    const none = id !== null && h('button', { type: 'button', class: 'quiet', click: () => show(null, '') }, 'Remove');
    const button = h('button', { type: 'button', click: choose }, id === null ? 'Choose a patient' : 'Choose another');
    fill(chosen, id === null ? '' : h('a', { href: address(['patients', id]) }, name), ' ', button, ' ', none);
  }
  show(patient, patient === null ? '' : await control(path('patient_profiles', patient), { signal }).then(nameOf, () => 'an unknown patient'));

  const form = new RecordForm({
    fields: FIELDS,
    record: {},
    save: 'Create the session',
    key: 'new session',
    signal,
    send: async (fields) => {
      const body = { sessions: [{ ...fields, patient_profile_id: patient }] };
      const { sessions: [made] } = await control('/state', { method: 'POST', body });
      form.record = {};
      form.load();
      go(address(['sessions', made.session_id]), { replace: true });
      return {};
    },
  });
  const head = h('header', { class: 'view-head' }, h('h1', {}, 'New session'), h('p', {}, 'No field is required. Audio, transcript and note come afterwards.'));
  const element = h('div', { class: 'view record-page' }, trail('sessions', 'Sessions'), head, h('section', { class: 'panel' }, h('div', { class: 'field' }, h('span', {}, 'Patient'), chosen), form.element));
  return { title: 'New session', element };
}
