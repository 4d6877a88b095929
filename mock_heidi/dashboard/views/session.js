// The page of a session: the consultation as a clinician sees it, with the clinician's hand.

import { control, Refusal } from '../parts/control.js';
import { copyButton } from '../parts/copy.js';
import { ask } from '../parts/dialog.js';
import { fill, h } from '../parts/dom.js';
import { dateAndTime, plain } from '../parts/format.js';
import { jsonView } from '../parts/json.js';
import { follow, path, remove } from '../parts/records.js';
import { address, go } from '../parts/route.js';
import { attempt } from '../parts/toast.js';
import { accountSection } from './account.js';
import { audioSection } from './audio.js';
import { contextSection, documentSection } from './documents.js';
import { noteSection } from './note.js';
import { fieldSection, renaming, transcriptSection } from './session-fields.js';
import { linkSection, patientSection } from './session-links.js';

/** @typedef {{ element: HTMLElement, take: (record: any) => void, shortcuts?: import('../parts/keys.js').Shortcut[] }} Section */

/**
 * What the sections of the page share. `put` acts as the clinician, `patch` edits the record; both return the new
 * record and show refusals themselves, except for forms, which do it beside their fields.
 *
 * @typedef {object} Page
 * @property {string} id
 * @property {AbortSignal} signal
 * @property {any} record
 * @property {(body: any) => Promise<any>} put
 * @property {(body: any) => Promise<any>} patch
 * @property {(changes: any) => Promise<any>} send as `put`, but throws refusals
 * @property {(changes: any) => Promise<any>} edit as `patch`, but throws refusals
 */

/** @type {import('../parts/app.js').Open} */
export async function openSession({ rest: [id] }, signal) {
  const at = `/sessions/${encodeURIComponent(id)}`;
  const stored = path('sessions', id);
  const load = () => control(at, { signal });

  async function change(/** @type {string} */ where, /** @type {string} */ method, /** @type {any} */ body) {
    await control(where, { method, body });
    const now = await load();
    take(now);
    return now;
  }

  /** @type {Page} */
  const page = {
    id,
    signal,
    record: await load().catch(explain),
    send: (body) => change(at, 'PUT', body),
    edit: (body) => change(stored, 'PATCH', body),
    put: (body) => attempt(() => page.send(body)),
    patch: (body) => attempt(() => page.edit(body)),
  };
  const sections = {
    audio: audioSection(page),
    note: noteSection(page),
    transcript: transcriptSection(page),
    documents: documentSection(page),
    patient: patientSection(page),
    account: accountSection(page),
    links: linkSection(page),
    context: contextSection(page),
    fields: fieldSection(page),
  };
  const name = h('h1', {});
  const facts = h('p', { class: 'soft small' });
  const json = h('div', {});
  const gone = h('div', { class: 'notice wrong', role: 'alert', hidden: true });

  function take(/** @type {any} */ now) {
    gone.hidden = now !== null;
    if (now === null) {
      fill(gone, h('span', {}, 'This session was deleted meanwhile.'), h('button', { type: 'button', click: putBack }, 'Put it back'));
      return;
    }
    page.record = now;
    name.textContent = plain(now.session_name) || 'No name';
    fill(facts, h('span', { class: 'mono' }, id), ' ', copyButton(id, 'Copy', 'Copy the session id'), ` · created ${dateAndTime(now.created_at)} · updated ${dateAndTime(now.updated_at)}`);
    fill(json, jsonView(now));
    for (const section of Object.values(sections)) section.take(now);
  }

  const putBack = () => attempt(() => control(stored, { method: 'PUT', body: page.record }));

  async function removeIt() {
    const title = plain(page.record.session_name) || 'without a name';
    if (!(await ask(`Delete the session ${title}?`, 'Delete the session'))) return;
    await attempt(async () => {
      await remove('sessions', page.record, id, `The session ${title} is deleted.`, undefined, () => go(address(['sessions', id])));
      go('#/sessions');
    });
  }

  take(page.record);
  follow(at, (data) => concerns(data, page), take, signal);
  const rename = () => renaming(page);
  const { audio, note, transcript, documents, patient, account, links, context, fields } = sections;
  const element = h(
    'div',
    { class: 'view record session' },
    h(
      'header',
      { class: 'view-head' },
      h('nav', { class: 'trail', 'aria-label': 'Where you are' }, h('a', { href: '#/sessions' }, 'Sessions')),
      name,
      h(
        'div',
        { class: 'buttons' },
        h('button', { type: 'button', click: rename }, 'Rename'),
        h('button', { type: 'button', class: 'danger', click: removeIt }, 'Delete'),
      ),
      facts,
    ),
    gone,
    audio.element,
    h(
      'div',
      { class: 'consultation' },
      h('div', { class: 'column' }, note.element, transcript.element, documents.element),
      h('div', { class: 'column' }, patient.element, account.element, links.element, context.element),
    ),
    fields.element,
    h('details', { class: 'panel' }, h('summary', {}, 'Record as JSON'), json),
  );
  return {
    title: name.textContent ?? '',
    element,
    shortcuts: [
      ...(note.shortcuts ?? []),
      { keys: 'r', does: 'Rename the session', act: rename },
      { keys: 't', does: 'Type the transcript', act: () => transcript.element.querySelector('textarea')?.focus() },
      { keys: 'u', does: 'Go up to the list', act: () => go('#/sessions') },
      { keys: 'Delete', does: 'Delete the session', act: removeIt },
    ],
  };
}

/**
 * True if a change may change the page: of the session, its patient, a linked session or an account.
 *
 * @param {{ kind: string, id: string }} data
 * @param {Page} page
 */
function concerns({ kind, id }, { id: session, record }) {
  if (kind === 'sessions') return id === session || (record.linked_sessions_for_context ?? []).includes(id);
  return kind === 'users' || (kind === 'patient_profiles' && id === record.patient_profile_id);
}

/**
 * @param {unknown} error
 * @returns {never}
 */
function explain(error) {
  if (!(error instanceof Refusal) || error.status !== 404) throw error;
  throw new Refusal(404, 'this session does not exist any more', 'choose one from the list of sessions');
}
