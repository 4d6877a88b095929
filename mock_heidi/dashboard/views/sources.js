// Where a note came from.

import { h } from '../parts/dom.js';
import { count, plain } from '../parts/format.js';
import { address } from '../parts/route.js';

/**
 * The material of a generated note, as the server keeps it.
 *
 * @param {any} sources
 * @returns {HTMLElement | null}
 */
export function sourceList(sources) {
  if (!sources) return null;
  const link = (/** @type {string} */ view, /** @type {string} */ id) => h('a', { href: address([view, id]) }, plain(id));
  const linked = (sources.linked_sessions ?? []).flatMap((/** @type {string} */ id, /** @type {number} */ at) => [at > 0 ? ', ' : '', link('sessions', id)]);
  /** @type {[string, any][]} */
  const rows = [
    ['Transcript', sources.transcript && 'typed by the clinician'],
    ['Audio', sources.chunks?.length > 0 && `${count(sources.chunks.length, 'piece')}, of the invented consultation ${plain(sources.consultation ?? '')}`],
    ['Patient profile', sources.patient_profile_id && link('patients', sources.patient_profile_id)],
    ['Additional context', sources.additional_context && 'that of the patient profile'],
    ['Clinician’s notes', sources.clinician_notes > 0 && count(sources.clinician_notes, 'note')],
    ['Linked sessions', linked.length > 0 && linked],
    ['Context documents', sources.context_documents?.length > 0 && count(sources.context_documents.length, 'document')],
    ['Additional information', sources.addition && 'sent with the request for the note'],
    ['Template', sources.template_id && h('span', { class: 'mono' }, plain(sources.template_id))],
    ['Style', [sources.voice_style, sources.brain].filter(Boolean).join(', ')],
  ];
  const facts = rows.filter(([, value]) => value).flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]);
  return h('details', { class: 'sources' }, h('summary', {}, 'Where it came from'), h('dl', { class: 'facts small' }, ...facts));
}
