// The patient of a session, and the earlier sessions that its note takes up.

import { control } from '../parts/control.js';
import { fill, h } from '../parts/dom.js';
import { plain } from '../parts/format.js';
import { memo } from '../parts/memo.js';
import { path } from '../parts/records.js';
import { address } from '../parts/route.js';
import { attempt } from '../parts/toast.js';
import { nameOf } from './patient-name.js';
import { pickPatient, pickSession } from './picker.js';

/** @typedef {import('./session.js').Page} Page */
/** @typedef {import('./session.js').Section} Section */

/**
 * @param {Page} page
 * @returns {Section}
 */
export function patientSection(page) {
  const content = h('div', { class: 'stack' });
  const buttons = h('div', { class: 'buttons' });
  const isNew = memo();
  const choose = async () => {
    const one = await pickPatient();
    if (one) await page.patch({ patient_profile_id: one.id });
  };
  async function draw(/** @type {any} */ record) {
    const id = record.patient_profile_id;
    const profile = id && (await attempt(() => control(path('patient_profiles', id), { signal: page.signal })));
    if (record !== page.record || !isNew([profile, record.patient])) return;
    fill(content, ...(profile ? described(profile) : own(record.patient)));
    fill(
      buttons,
      h('button', { type: 'button', click: choose }, id ? 'Choose another' : 'Link a patient'),
      id && h('button', { type: 'button', class: 'quiet', click: () => page.patch({ patient_profile_id: null }) }, 'Unlink'),
    );
  }
  return { element: h('section', { class: 'panel' }, h('h2', {}, 'Patient'), content, buttons), take: draw };
}

/** @param {any} profile */
function described(profile) {
  const facts = [profile.birth_date, profile.gender, profile.ehr_patient_id].filter(Boolean).join(' · ');
  return [
    h('a', { href: address(['patients', profile.id]) }, nameOf(profile)),
    h('p', { class: 'soft small' }, plain(facts)),
    profile.additional_context && h('p', { class: 'small' }, plain(profile.additional_context)),
  ];
}

/** @param {{ name: string, gender: string | null, dob: string | null }} patient */
function own({ name, gender, dob }) {
  const facts = [dob, gender].filter(Boolean).join(' · ');
  return [h('p', { class: 'soft' }, name ? `${plain(name)}, without a patient profile` : 'No patient profile is linked.'), facts && h('p', { class: 'soft small' }, plain(facts))];
}

/**
 * @param {Page} page
 * @returns {Section}
 */
export function linkSection(page) {
  const list = h('ul', { class: 'plain-list' });
  const none = h('p', { class: 'soft small' }, 'A new note takes up the notes of linked sessions.');
  /** @type {() => string[]} */
  const linked = () => page.record.linked_sessions_for_context ?? [];
  const set = (/** @type {string[]} */ ids) => page.patch({ linked_sessions_for_context: ids });
  const add = async () => {
    const one = await pickSession([page.id, ...linked()]);
    if (one) await set([...linked(), one.id]);
  };
  const isNew = memo();
  async function draw(/** @type {any} */ record) {
    const ids = linked();
    const names = await Promise.all(ids.map(nameOfSession));
    if (record !== page.record || !isNew([ids, names])) return;
    fill(list, ...names.map((name, at) => row(ids[at], name)));
    none.hidden = ids.length > 0;
  }
  const row = (/** @type {string} */ id, /** @type {string} */ name) =>
    h(
      'li',
      {},
      h('a', { href: address(['sessions', id]) }, name),
      h('button', { type: 'button', class: 'quiet', 'aria-label': `Unlink ${name}`, click: () => set(linked().filter((one) => one !== id)) }, 'Unlink'),
    );
  const element = h('section', { class: 'panel' }, h('h2', {}, 'Linked sessions'), none, list, h('div', { class: 'buttons' }, h('button', { type: 'button', click: add }, 'Link a session')));
  return { element, take: draw };
}

/** @param {string} id */
function nameOfSession(id) {
  return control(path('sessions', id)).then(({ session_name }) => plain(session_name) || 'No name', () => `${plain(id)}, which does not exist`);
}
