// Where a note came from: as a whole, and part by part.

import { h } from '../parts/dom.js';
import { count, plain } from '../parts/format.js';
import { address } from '../parts/route.js';
import { clock } from './audio.js';

/** @typedef {{ start: number, end: number, source: string, id: string | null }} Origin */

/** @type {Record<string, string>} */
const NAMES = {
  transcript: 'Transcript',
  patient: 'Patient',
  additional_context: 'Additional context',
  clinician_notes: 'Clinician’s notes',
  linked_sessions: 'Linked session',
  context_documents: 'Context document',
  template: 'Template',
};

/**
 * The function that labels a part of the note with its origins.
 *
 * @param {any} content as `GET sessions/ID/content` tells it
 * @param {(place: number) => number} inUnits
 * @param {(piece: string) => void} showPiece
 * @returns {(start: number, end: number) => Node[]}
 */
export function labels({ note_origins: origins, audio }, inUnits, showPiece) {
  const placed = origins.map((/** @type {Origin} */ one) => ({ ...one, start: inUnits(one.start), end: inUnits(one.end) }));
  return (start, end) => {
    const within = placed.filter((/** @type {Origin} */ one) => one.start < end && one.end > start);
    const unique = new Map(within.map((/** @type {Origin} */ one) => [`${one.source} ${one.id}`, one]));
    return [...unique.values()].map((one) => label(one, audio, showPiece));
  };
}

/**
 * @param {Origin} origin
 * @param {any[]} audio
 * @param {(piece: string) => void} showPiece
 */
function label({ source, id }, audio, showPiece) {
  const name = NAMES[source] ?? source;
  const piece = source === 'transcript' && audio.find((one) => one.id === id);
  if (piece) return h('button', { type: 'button', class: 'origin', click: () => showPiece(piece.id) }, `Audio ${clock(piece.start)}`);
  if (source === 'linked_sessions' && id) return h('a', { class: 'origin', href: address(['sessions', id]) }, name);
  if ((source === 'patient' || source === 'additional_context') && id) return h('a', { class: 'origin', href: address(['patients', id]) }, name);
  return h('span', { class: 'origin' }, name);
}

/**
 * The material of a generated note, as the server keeps it.
 *
 * @param {any} sources
 * @returns {HTMLElement | null}
 */
export function sourceList(sources) {
  if (!sources) return null;
  /** @type {[string, any][]} */
  const rows = [
    ['Transcript', sources.transcript && 'typed by the clinician'],
    ['Audio', sources.chunks?.length > 0 && `${count(sources.chunks.length, 'piece')} of the invented consultation ${plain(sources.consultation ?? '')}`],
    ['Additional context', sources.additional_context && 'of the patient profile'],
    ['Clinician’s notes', sources.clinician_notes > 0 && count(sources.clinician_notes, 'note')],
    ['Linked sessions', sources.linked_sessions?.length > 0 && count(sources.linked_sessions.length, 'session')],
    ['Context documents', sources.context_documents?.length > 0 && count(sources.context_documents.length, 'document')],
    ['Addition', sources.addition && 'sent with the request for the note'],
    ['Template', sources.template_id && h('span', { class: 'mono' }, plain(sources.template_id))],
    ['Style', [sources.voice_style, sources.brain].filter(Boolean).join(', ')],
  ];
  const facts = rows.filter(([, value]) => value).flatMap(([name, value]) => [h('dt', {}, name), h('dd', {}, value)]);
  return h('dl', { class: 'facts small' }, ...facts);
}
