// The note of a session: rendered, as source, and as the clinician writes it.

import { control } from '../parts/control.js';
import { fill, h } from '../parts/dom.js';
import { plain } from '../parts/format.js';
import { memo } from '../parts/memo.js';
import { RecordForm } from '../parts/record-form.js';
import { path } from '../parts/records.js';
import { address, go } from '../parts/route.js';
import { attempt, toast } from '../parts/toast.js';
import { showPiece } from './audio.js';
import { codeList, codeMarks, unitsOf } from './codes.js';
import { isHtml, noteFrame } from './note-frame.js';
import { linesView, markdownView, sourceView } from './note-text.js';
import { noteBadge } from './session-table.js';
import { labels, sourceList } from './sources.js';

/** @typedef {import('./session.js').Page} Page */
/** @typedef {import('./session.js').Section} Section */
/** @typedef {'note' | 'origins' | 'source' | 'edit'} Mode */

/** @type {[Mode, string][]} */
const MODES = [['note', 'Note'], ['origins', 'Origins'], ['source', 'Source'], ['edit', 'Edit']];

/**
 * @param {Page} page
 * @param {URLSearchParams} query
 * @returns {Section & { route: (query: URLSearchParams) => boolean }}
 */
export function noteSection(page, query) {
  const form = noteForm(page);
  /** @type {Mode} */
  let mode = form.changed.length > 0 ? 'edit' : asked(query);
  const isNew = memo();
  const status = h('span', {});
  const heading = h('span', { class: 'soft' });
  const actions = h('div', { class: 'buttons' });
  const content = h('div', { class: 'stack' });
  const codes = h('div', {});
  const tabs = h('div', { class: 'segments', role: 'group', 'aria-label': 'View of the note' });
  const element = h('section', { class: 'panel note' }, h('div', { class: 'note-head' }, h('h2', {}, 'Note'), status, heading, tabs), content, codes, actions);

  const show = (/** @type {Mode} */ next) => go(address(['sessions', page.id], { note: next === 'note' ? '' : next }), { replace: true });

  function draw() {
    const { consult_note: note } = page.record;
    fill(status, noteBadge(note?.status ?? null));
    heading.textContent = plain(note?.heading ?? '');
    tabs.hidden = note === null && mode !== 'edit';
    if (!isNew([mode, note, page.record.note_sources, page.content])) return;
    fill(actions, ...(note === null ? begin(page.id, show, mode) : acts(page)));
    fill(tabs, ...MODES.map(([name, text]) => h('button', { type: 'button', 'aria-pressed': String(name === mode), click: () => show(name) }, text)));
    fill(content, ...(mode === 'edit' ? [form.element] : rendered(page, mode)));
    fill(codes, page.content.codes.length > 0 && codeList(page.content.codes, showCode));
  }

  function showCode(/** @type {string} */ code) {
    if (element.querySelector('mark') === null) show(isHtml(page.record.consult_note?.result ?? '') ? 'source' : 'note');
    requestAnimationFrame(() => {
      const marks = [...element.querySelectorAll('mark')];
      for (const mark of marks) mark.classList.toggle('on', mark.dataset.code === code);
      marks.find((mark) => mark.dataset.code === code)?.scrollIntoView({ block: 'center' });
    });
  }

  return {
    element,
    take(record) {
      form.take(fields(record));
      draw();
    },
    route(to) {
      const next = asked(to);
      if (next === mode) return true;
      mode = next;
      draw();
      const focused = mode === 'edit' ? form.element.querySelector('textarea') : tabs.querySelector('[aria-pressed="true"]');
      if (focused instanceof HTMLElement) focused.focus();
      return true;
    },
    shortcuts: [
      { keys: 'w', does: 'Type the note', act: () => show('edit') },
      { keys: 'v', does: 'View the note', act: () => show('note') },
      { keys: 'f', does: 'Finish the note', act: () => page.record.consult_note && finish(page) },
    ],
  };
}

/**
 * @param {URLSearchParams} query
 * @returns {Mode}
 */
function asked(query) {
  return MODES.find(([name]) => name === query.get('note'))?.[0] ?? 'note';
}

/** @param {any} record */
function fields({ consult_note: note }) {
  return { heading: note?.heading ?? null, result: note?.result ?? null };
}

/** @param {Page} page */
function noteForm(page) {
  return new RecordForm({
    fields: [
      { name: 'heading', label: 'Heading', wide: true },
      { name: 'result', label: 'Text of the note', kind: 'area' },
    ],
    record: fields(page.record),
    save: 'Save the note',
    key: `note of ${page.id}`,
    signal: page.signal,
    send: async (changes) => fields(await page.send({ consult_note: changes })),
  });
}

/**
 * @param {Page} page
 * @param {Mode} mode
 */
function rendered({ record, content }, mode) {
  const { consult_note: note, note_sources: sources } = record;
  if (note === null) return [h('p', { class: 'soft' }, 'There is no note. Your client asks the mock for one, or you type it as the clinician.')];
  const text = note.result ?? '';
  if (text === '') return [h('p', { class: 'soft' }, 'The note is empty.')];
  const inUnits = unitsOf(text);
  const marks = codeMarks(content.codes, inUnits);
  if (mode === 'origins' && !sources) return [h('p', { class: 'soft' }, 'The mock did not write this note: it came with the fixtures, or it was typed.')];
  if (mode === 'origins') {
    const label = labels(content, inUnits, showPiece);
    return [sourceList(sources), isHtml(text) ? linesView(text, label) : markdownView(text, [], label)];
  }
  if (mode === 'source') return [sourceView(text, marks)];
  if (!isHtml(text)) return [markdownView(text, marks)];
  return [h('p', { class: 'soft small' }, 'This note is HTML. Its links, images, forms and scripts do nothing here.'), noteFrame(text, 'Note', marks)];
}

/**
 * @param {string} id
 * @param {(mode: Mode) => void} show
 * @param {Mode} mode
 */
function begin(id, show, mode) {
  if (mode === 'edit') return [];
  const form = `docs${address(['api', 'generate_consult_note', 'try'], { session_id: id })}`;
  return [
    h('button', { type: 'button', class: 'primary', click: () => show('edit') }, 'Type the note'),
    h('a', { class: 'button', href: form }, 'Ask the mock for it'),
  ];
}

/** @param {Page} page */
function acts(page) {
  const { status } = page.record.consult_note;
  const again = () => page.put({ consult_note: { status: 'CREATED' } });
  return [
    status === 'COMPLETED'
      ? h('button', { type: 'button', click: again }, 'Open the note again')
      : h('button', { type: 'button', class: 'primary', click: () => finish(page) }, 'Finish the note'),
    h('button', { type: 'button', class: 'danger', click: () => drop(page) }, 'Remove the note'),
  ];
}

/** @param {Page} page */
function finish(page) {
  return page.put({ consult_note: { status: 'COMPLETED' } });
}

/** @param {Page} page */
async function drop(page) {
  const { record } = page;
  if (!(await page.put({ consult_note: null }))) return;
  const undo = () => attempt(() => control(path('sessions', page.id), { method: 'PUT', body: record }));
  toast('The note is removed.', { action: 'Undo', act: undo });
}
