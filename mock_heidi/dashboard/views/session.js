// The page of a session: the consultation as a clinician sees it, with the clinician's hand.

import { control, Refusal } from '../parts/control.js';
import { copyButton } from '../parts/copy.js';
import { ask } from '../parts/dialog.js';
import { fill, h } from '../parts/dom.js';
import { dateAndTime, plain } from '../parts/format.js';
import { foldedJson } from '../parts/json.js';
import { follow, path, remove } from '../parts/records.js';
import { address, go } from '../parts/route.js';
import { attempt } from '../parts/toast.js';
import { accountSection } from './account.js';
import { audioSection } from './audio.js';
import { contextSection, documentSection } from './documents.js';
import { noteSection } from './note.js';
import { fieldSection, renaming, transcriptSection } from './session-fields.js';
import { linkSection, patientSection } from './session-links.js';
import { trail } from './trail.js';

/** @typedef {{ element: HTMLElement, take: (record: any, content: any) => void, shortcuts?: import('../parts/keys.js').Shortcut[] }} Section */

/**
 * What the sections of the page share. `put` acts as the clinician, `patch` edits the record; both return the new
 * record and show refusals themselves, except for forms, which do it beside their fields.
 *
 * @typedef {object} Page
 * @property {string} id
 * @property {AbortSignal} signal
 * @property {any} record as `GET sessions/ID` tells it
 * @property {any} content as `GET sessions/ID/content` tells it: what was said, the codes, the origins of the note
 * @property {(body: any) => Promise<any>} put
 * @property {(body: any) => Promise<any>} patch
 * @property {(changes: any) => Promise<any>} send as `put`, but throws refusals
 * @property {(changes: any) => Promise<any>} edit as `patch`, but throws refusals
 */

// The pause in ms after which work that goes on with the clock is looked at again.
const LATER = 2000;

/** @type {import('../parts/app.js').Open} */
export async function openSession({ rest: [id], query }, signal) {
  const at = `/sessions/${encodeURIComponent(id)}`;
  const stored = path('sessions', id);
  const load = async () => {
    const [record, content] = await Promise.all([control(at, { signal }), control(`${at}/content`, { signal })]);
    return { record, content };
  };

  async function change(/** @type {string} */ where, /** @type {string} */ method, /** @type {any} */ body) {
    await control(where, { method, body });
    const now = await load();
    take(now);
    return now.record;
  }

  /** @type {Page} */
  const page = {
    id,
    signal,
    ...(await load().catch(explain)),
    send: (body) => change(at, 'PUT', body),
    edit: (body) => change(stored, 'PATCH', body),
    put: (body) => attempt(() => page.send(body)),
    patch: (body) => attempt(() => page.edit(body)),
  };
  const sections = {
    audio: audioSection(page),
    note: noteSection(page, query),
    transcript: transcriptSection(page),
    documents: documentSection(page),
    patient: patientSection(page),
    account: accountSection(page),
    links: linkSection(page),
    context: contextSection(page),
    fields: fieldSection(page),
  };
  let waiting = 0;
  const name = h('h1', {});
  const times = h('span', {});
  const facts = h('p', { class: 'soft small' }, h('span', { class: 'mono' }, id), ' ', copyButton(id, 'Copy', 'Copy the session id'), times);
  const json = foldedJson('Record as JSON');
  json.element.classList.add('panel');
  const gone = h('div', { class: 'notice wrong', role: 'alert', hidden: true });

  function take(/** @type {{ record: any, content: any } | null} */ known) {
    gone.hidden = known !== null;
    if (known === null) {
      fill(gone, h('span', {}, 'This session was deleted meanwhile.'), h('button', { type: 'button', click: putBack }, 'Put it back'));
      return;
    }
    const { record: now, content } = known;
    Object.assign(page, known);
    name.textContent = plain(now.session_name) || 'No name';
    times.textContent = ` · created ${dateAndTime(now.created_at)} · updated ${dateAndTime(now.updated_at)}`;
    json.take(now);
    for (const section of Object.values(sections)) section.take(now, content);
    clearTimeout(waiting);
    if (isUnderWay(page)) waiting = setTimeout(look, LATER);
  }

  const again = follow(load, (data) => concerns(data, page), take, signal);
  // A hidden page asks the server for nothing.
  const look = () => (document.hidden ? (waiting = setTimeout(look, LATER)) : again());
  const putBack = () => attempt(() => control(stored, { method: 'PUT', body: page.record }));

  async function removeIt() {
    const title = plain(page.record.session_name) || 'without a name';
    if (!(await ask(`Delete the session ${title}?`, 'Delete the session'))) return;
    await attempt(async () => {
      await remove('sessions', page.record, id, `The session ${title} is deleted.`, undefined, () => go(address(['sessions', id])));
      go('#/sessions');
    });
  }

  take(page);
  signal.addEventListener('abort', () => clearTimeout(waiting));
  const rename = () => renaming(page);
  const { audio, note, transcript, documents, patient, account, links, context, fields } = sections;
  const element = h(
    'div',
    { class: 'view record-page session' },
    trail('sessions', 'Sessions'),
    h(
      'header',
      { class: 'view-head' },
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
    json.element,
  );
  return {
    title: name.textContent ?? '',
    element,
    update: (to) => to.rest[0] === id && note.route(to.query),
    shortcuts: [
      ...(note.shortcuts ?? []),
      { keys: 'r', does: 'Rename the session', act: rename },
      ...(transcript.shortcuts ?? []),
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
 * True while transcription or the note goes on. The clock alone may complete them, which no event reports.
 *
 * @param {Page} page
 */
function isUnderWay({ record, content }) {
  const isWritten = record.note_begun_at !== null && record.consult_note?.status === 'CREATED';
  const begun = new Set(record.audio.filter((/** @type {any} */ piece) => piece.begun_at !== null).map((/** @type {any} */ piece) => piece.id));
  return isWritten || content.audio.some((/** @type {any} */ piece) => begun.has(piece.id) && !piece.ready && !piece.failed);
}

/**
 * @param {unknown} error
 * @returns {never}
 */
function explain(error) {
  if (!(error instanceof Refusal) || error.status !== 404) throw error;
  throw new Refusal(404, 'this session does not exist any more', 'choose one from the list of sessions');
}
