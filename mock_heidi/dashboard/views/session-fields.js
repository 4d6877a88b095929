// The name, the transcript and the other fields of a session.

import { openDialog } from '../parts/dialog.js';
import { fill, h } from '../parts/dom.js';
import { plain } from '../parts/format.js';
import { RecordForm } from '../parts/record-form.js';
import { clock } from './audio.js';

/** @typedef {import('./session.js').Page} Page */
/** @typedef {import('./session.js').Section} Section */

/** @type {import('../parts/fields.js').Field[]} */
const FIELDS = [
  { name: 'language_code', label: 'Language' },
  { name: 'output_language_code', label: 'Language of the note' },
  { name: 'duration', label: 'Duration in seconds', kind: 'number' },
  { name: 'ehr_appt_id', label: 'EHR appointment id' },
  { name: 'ehr_patient_id', label: 'EHR patient id' },
  { name: 'ehr_provider', label: 'EHR provider' },
  { name: 'recording_status', label: 'Recording status' },
  { name: 'session_status', label: 'Session status' },
  { name: 'transcribe_mode', label: 'Transcribe mode' },
  { name: 'is_consent', label: 'Consent', kind: 'choice', choices: [true, false] },
  { name: 'generate_output_without_recording', label: 'Output without a recording', kind: 'choice', choices: [true, false] },
  { name: 'created_time_local', label: 'Local time of creation' },
  { name: 'consultation', label: 'Consultation', hint: 'The id of the invented consultation that its audio holds.' },
  { name: 'clinician_notes', label: 'Clinician’s notes', kind: 'json', hint: 'JSON: a list of texts.' },
  { name: 'patient', label: 'Patient details', kind: 'json', hint: 'JSON. The patient profile fills the empty ones.' },
];

/**
 * @param {Page} page
 * @returns {Section}
 */
export function fieldSection(page) {
  const form = new RecordForm({
    fields: FIELDS,
    record: page.record,
    save: 'Save the fields',
    key: `fields of ${page.id}`,
    signal: page.signal,
    send: page.edit,
  });
  const element = h('details', { class: 'panel', open: form.changed.length > 0 }, h('summary', {}, 'All other fields'), form.element);
  return { element, take: (record) => form.take(record) };
}

/**
 * @param {Page} page
 * @returns {Section}
 */
export function transcriptSection(page) {
  const form = new RecordForm({
    fields: [{ name: 'transcript', label: 'Transcript', kind: 'area' }],
    record: page.record,
    save: 'Save the transcript',
    key: `transcript of ${page.id}`,
    signal: page.signal,
    send: page.send,
  });
  const hint = h('p', { class: 'soft small' });
  const heard = h('ol', { class: 'heard', tabindex: '0', 'aria-label': 'Transcript by pieces of audio' });
  const drop = h('button', { type: 'button', click: () => page.put({ transcript: null }) });
  const correct = h('button', { type: 'button', click: () => begin() });
  const element = h('section', { class: 'panel transcript' }, h('h2', {}, 'Transcript'), hint, heard, form.element, h('div', { class: 'buttons' }, correct, drop));
  let isOpen = false;

  // The form begins with the transcript so far, for a person to correct it.
  function begin() {
    if (heard.hidden === false) form.type('transcript', page.content.transcript);
    isOpen = true;
    draw();
    form.element.querySelector('textarea')?.focus();
  }

  function draw() {
    const pieces = page.content.audio;
    const isTyped = page.record.transcript !== null;
    const isTyping = isTyped || isOpen || form.changed.length > 0 || pieces.length === 0;
    const hasAudio = pieces.length > 0;
    hint.textContent = isTyped ? `It was typed.${hasAudio ? ' It replaces the audio.' : ''}` : hasAudio ? 'It comes from the audio. What you type replaces it.' : 'Type what was said.';
    drop.textContent = hasAudio ? 'Use the audio again' : 'Remove the transcript';
    heard.hidden = isTyping;
    correct.hidden = isTyping;
    correct.textContent = page.content.transcript === '' ? 'Type it' : 'Correct it';
    form.element.hidden = !isTyping;
    drop.hidden = !isTyped;
    if (!isTyping) fill(heard, ...pieces.map(saying));
  }
  const close = () => {
    isOpen = false;
    draw();
  };
  form.undoing.addEventListener('click', close);
  drop.addEventListener('click', close);
  return {
    element,
    take(record) {
      form.take(record);
      draw();
    },
    shortcuts: [{ keys: 't', does: 'Type the transcript', act: begin }],
  };
}

/** @param {any} piece */
function saying({ start, ready, failed, text }) {
  const words = failed ? 'The transcription of this piece failed.' : ready ? plain(text) : 'It is not transcribed yet.';
  return h('li', {}, h('span', { class: 'number soft small' }, clock(start)), h('span', { class: ready ? '' : 'soft' }, words));
}

/**
 * Asks for another name of the session.
 *
 * @param {Page} page
 */
export function renaming(page) {
  const form = new RecordForm({
    fields: [{ name: 'session_name', label: 'Session name', wide: true }],
    record: page.record,
    save: 'Rename',
    key: `name of ${page.id}`,
    signal: page.signal,
    send: async ({ session_name }) => {
      const record = await page.send({ session_name: session_name ?? '' });
      dialog.close();
      return record;
    },
  });
  const dialog = openDialog('Rename the session', form.element);
  form.element.querySelector('input')?.select();
}
