// The documents that were written from a session, and the context documents that a client uploaded.

import { fill, h } from '../parts/dom.js';
import { dateAndTime, plain, size } from '../parts/format.js';
import { memo } from '../parts/memo.js';
import { toast } from '../parts/toast.js';
import { noteFrame } from './note-frame.js';
import { markdownView, sourceView } from './note-text.js';

/** @typedef {import('./session.js').Page} Page */
/** @typedef {import('./session.js').Section} Section */

/**
 * @param {Page} page
 * @returns {Section}
 */
export function documentSection(page) {
  const content = h('div', { class: 'stack' });
  const isNew = memo();
  return {
    element: h('section', { class: 'panel' }, h('h2', {}, 'Documents'), content),
    take({ documents }) {
      if (!isNew(documents)) return;
      const none = h('p', { class: 'soft' }, 'No document was written from this session. A client asks for one with POST …/documents.');
      fill(content, ...(documents.length === 0 ? [none] : documents.map((/** @type {any} */ one) => row(one, page))));
    },
  };
}

/**
 * @param {any} written
 * @param {Page} page
 */
function row(written, page) {
  const body = h('div', { class: 'stack' });
  const name = plain(written.name) || 'No name';
  const isHtml = written.content_type === 'HTML';
  const open = () => {
    if (body.childNodes.length > 0) return;
    const source = h('details', {}, h('summary', { class: 'small' }, 'Source'), sourceView(written.content));
    const remove = h('button', { type: 'button', class: 'danger', click: () => drop(written, page) }, 'Remove the document');
    fill(body, isHtml ? noteFrame(written.content, name) : markdownView(written.content), source, h('div', { class: 'buttons' }, remove));
  };
  return h('details', { class: 'document', toggle: open }, h('summary', {}, name, ' ', h('span', { class: 'badge' }, isHtml ? 'HTML' : 'Markdown')), body);
}

/**
 * @param {any} written
 * @param {Page} page
 */
async function drop(written, page) {
  const before = page.record.documents;
  const rest = before.filter((/** @type {any} */ one) => one.id !== written.id);
  if (await page.put({ documents: rest })) {
    toast(`${plain(written.name)} is removed.`, { action: 'Undo', act: () => page.put({ documents: before }) });
  }
}

/**
 * @param {Page} _page
 * @returns {Section}
 */
export function contextSection(_page) {
  const list = h('ul', { class: 'plain-list' });
  const none = h('p', { class: 'soft small' }, 'No context document was uploaded.');
  return {
    element: h('section', { class: 'panel' }, h('h2', {}, 'Context documents'), none, list),
    take({ context_documents: uploaded }) {
      none.hidden = uploaded.length > 0;
      fill(list, ...uploaded.map(context));
    },
  };
}

/** @param {any} one */
function context(one) {
  const about = [one.name && one.name !== one.filename && one.filename, size(one.length), dateAndTime(one.uploaded_at)];
  return h(
    'li',
    { class: 'stacked' },
    h('span', {}, plain(one.name || one.filename)),
    h('span', { class: 'soft small' }, plain(about.filter(Boolean).join(' · '))),
    one.additional_context && h('span', { class: 'small' }, plain(one.additional_context)),
  );
}
