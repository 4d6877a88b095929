// The state as fixtures, for another server or a repository.

import { controlText, here } from '../parts/control.js';
import { copy } from '../parts/copy.js';
import { h } from '../parts/dom.js';
import { attempt } from '../parts/toast.js';

/** @typedef {'yaml' | 'json'} Form */

/** The panel that gives the state as a file, or copies it. */
export function exportPanel() {
  const rows = /** @type {Form[]} */ (['yaml', 'json']).map((form) => {
    const name = form.toUpperCase();
    return h(
      'div',
      { class: 'buttons' },
      h('button', { type: 'button', click: () => attempt(async () => save(form, await read(form))) }, `Download ${name}`),
      h('button', { type: 'button', class: 'quiet', click: () => attempt(async () => copy(await read(form))) }, `Copy ${name}`),
    );
  });
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'export-title' },
    h('h2', { id: 'export-title' }, 'Export'),
    h('p', { class: 'soft' }, 'All records as fixtures. Start a server with them: ', h('code', {}, `mock-heidi serve --fixtures ${fileName('yaml')}`)),
    ...rows,
  );
}

/** @param {Form} form */
async function read(form) {
  const text = await controlText('/state', { headers: { accept: `application/${form}` } });
  return form === 'yaml' ? text : `${JSON.stringify(JSON.parse(text), null, 2)}\n`;
}

/** @param {Form} form */
function fileName(form) {
  return `heidi-${here.namespace}.${form}`;
}

/**
 * @param {Form} form
 * @param {string} text
 */
function save(form, text) {
  const url = URL.createObjectURL(new Blob([text], { type: `application/${form}` }));
  h('a', { href: url, download: fileName(form) }).click();
  // The browser has taken the content by the next task.
  setTimeout(() => URL.revokeObjectURL(url), 0);
}
