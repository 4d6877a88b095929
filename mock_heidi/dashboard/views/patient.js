// The page of a patient profile: its fields, and the patient's sessions.

import { control, Refusal } from '../parts/control.js';
import { copyButton } from '../parts/copy.js';
import { ask } from '../parts/dialog.js';
import { fill, h } from '../parts/dom.js';
import { count, dateAndTime } from '../parts/format.js';
import { foldedJson } from '../parts/json.js';
import { follow, path, remove } from '../parts/records.js';
import { RecordForm } from '../parts/record-form.js';
import { address, go } from '../parts/route.js';
import { attempt } from '../parts/toast.js';
import { nameOf } from './patient-name.js';
import { sessionTable } from './session-table.js';
import { trail } from './trail.js';

/** @type {import('../parts/fields.js').Field[]} */
const FIELDS = [
  { name: 'first_name', label: 'First name' },
  { name: 'last_name', label: 'Last name' },
  { name: 'birth_date', label: 'Birth date', kind: 'date' },
  { name: 'gender', label: 'Gender', kind: 'choice', choices: ['FEMALE', 'MALE', 'OTHER'] },
  { name: 'email', label: 'E-mail' },
  { name: 'phone', label: 'Phone' },
  { name: 'ehr_patient_id', label: 'EHR patient id' },
  { name: 'ehr_provider', label: 'EHR provider' },
  { name: 'patient_sex_code', label: 'Patient sex code', kind: 'number' },
  { name: 'remember_consent', label: 'Remember consent', kind: 'choice', choices: [true, false] },
  { name: 'demographic_string', label: 'Demographic string', wide: true },
  { name: 'additional_context', label: 'Additional context', kind: 'area', hint: 'It goes into the notes of the patient’s sessions.' },
  { name: 'identifiers', label: 'Identifiers', kind: 'json', hint: 'JSON, such as [{"type": "NHI", "value": "ZAA0067"}]' },
];

/** @type {import('../parts/app.js').Open} */
export async function openPatient({ rest: [id] }, signal) {
  return id === 'new' ? openNew(signal) : openKnown(id, signal);
}

/**
 * @param {AbortSignal} signal
 * @returns {import('../parts/app.js').View}
 */
function openNew(signal) {
  const form = new RecordForm({
    fields: FIELDS,
    record: {},
    save: 'Create the patient profile',
    key: 'new patient',
    signal,
    send: async (fields) => {
      const { patient_profiles: [made] } = await control('/state', { method: 'POST', body: { patient_profiles: [fields] } });
      form.record = {};
      form.load();
      go(address(['patients', made.id]), { replace: true });
      return {};
    },
  });
  const head = h('header', { class: 'view-head' }, h('h1', {}, 'New patient profile'), h('p', {}, 'No field is required. The server gives the id.'));
  return { title: 'New patient profile', element: h('div', { class: 'view record-page' }, trail('patients', 'Patients'), head, h('section', { class: 'panel' }, form.element)) };
}

/**
 * @param {string} id
 * @param {AbortSignal} signal
 * @returns {Promise<import('../parts/app.js').View>}
 */
async function openKnown(id, signal) {
  const at = path('patient_profiles', id);
  let record = await control(at, { signal }).catch(explain);
  const name = h('h1', {});
  const facts = h('dl', { class: 'facts' });
  const json = foldedJson('Record as JSON');
  const gone = h('div', { class: 'notice wrong', role: 'alert', hidden: true });
  const sessions = await sessionTable({ patient_profile_id: id }, signal);
  const form = new RecordForm({
    fields: FIELDS,
    record,
    save: 'Save',
    key: at,
    signal,
    send: async (changes) => {
      const saved = await control(at, { method: 'PATCH', body: changes });
      take(saved);
      return saved;
    },
  });

  function take(/** @type {any} */ now) {
    gone.hidden = now !== null;
    if (now === null) {
      fill(gone, h('span', {}, 'This patient profile was deleted meanwhile.'), h('button', { type: 'button', click: putBack }, 'Put it back'));
      return;
    }
    record = now;
    form.take(now);
    draw();
  }

  function draw() {
    name.textContent = nameOf(record);
    fill(facts, ...factsOf(record));
    json.take(record);
  }

  const putBack = () => attempt(() => control(at, { method: 'PUT', body: record }));

  async function removeIt() {
    const linked = sessions.total > 0 ? ` ${count(sessions.total, 'session')} will lose the link to it.` : '';
    if (!(await ask(`Delete the patient profile ${nameOf(record)}?${linked}`, 'Delete the patient profile'))) return;
    await attempt(async () => {
      const kept = await linkedSessions(id);
      await remove('patient_profiles', record, id, `${nameOf(record)} is deleted.`, () => relink(kept, id), () => go(address(['patients', id])));
      go('#/patients');
    });
  }

  draw();
  follow(() => control(at, { signal }), (data) => data.kind === 'patient_profiles' && data.id === id, take, signal);
  const newSession = () => go(address(['sessions', 'new'], { patient_profile_id: id }));
  const element = h(
    'div',
    { class: 'view record-page' },
    trail('patients', 'Patients'),
    h(
      'header',
      { class: 'view-head' },
      name,
      h(
        'div',
        { class: 'buttons' },
        h('button', { type: 'button', click: newSession }, 'New session'),
        h('button', { type: 'button', class: 'danger', click: removeIt }, 'Delete'),
      ),
    ),
    gone,
    h('section', { class: 'panel' }, h('h2', {}, 'Patient profile'), form.element),
    h('section', { class: 'panel' }, h('h2', {}, 'Sessions'), sessions.element),
    h('section', { class: 'panel' }, h('h2', {}, 'Record'), facts, json.element),
  );
  return {
    title: nameOf(record),
    element,
    shortcuts: [
      { keys: 'e', does: 'Edit the first field', act: () => form.element.querySelector('input')?.focus() },
      { keys: 'n', does: 'Create a session of this patient', act: newSession },
      { keys: 'u', does: 'Go up to the list', act: () => go('#/patients') },
      { keys: 'Delete', does: 'Delete the patient profile', act: removeIt },
    ],
  };
}

/**
 * @param {unknown} error
 * @returns {never}
 */
function explain(error) {
  if (!(error instanceof Refusal) || error.status !== 404) throw error;
  throw new Refusal(404, 'this patient profile does not exist any more', 'choose one from the list of patients');
}

/** @param {any} record */
function factsOf(record) {
  return [
    ['id', h('span', { class: 'mono' }, record.id, ' ', copyButton(record.id, 'Copy', 'Copy the id'))],
    ['Owner', h('span', { class: 'mono' }, record.managed_by)],
    ['Created', dateAndTime(record.created_at)],
    ['Updated', dateAndTime(record.updated_at)],
  ].flatMap(([label, value]) => [h('dt', {}, label), h('dd', {}, value)]);
}

/**
 * The records of a patient's sessions, which a deletion may change or remove.
 *
 * @param {string} id
 * @returns {Promise<any[]>}
 */
async function linkedSessions(id) {
  const { records } = await control(`/state/sessions?patient_profile_id=${encodeURIComponent(id)}&limit=1000`);
  return Promise.all(records.map((/** @type {any} */ row) => control(path('sessions', row.session_id))));
}

/**
 * Links sessions to the patient profile again, and puts back those that went with it.
 *
 * @param {any[]} sessions
 * @param {string} id
 */
async function relink(sessions, id) {
  for (const session of sessions) {
    const at = path('sessions', session.session_id);
    const known = await control(at).catch(() => null);
    if (known === null) await control(at, { method: 'PUT', body: session });
    else await control(at, { method: 'PATCH', body: { patient_profile_id: id } });
  }
}
