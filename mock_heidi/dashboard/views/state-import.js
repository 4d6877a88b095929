// Fixtures from a file or from pasted text.

import { control, Refusal } from '../parts/control.js';
import { fill, h } from '../parts/dom.js';
import { count, plain, size, withCommas } from '../parts/format.js';
import { sentence, toast } from '../parts/toast.js';
import { isKind } from './state-kinds.js';
import { undoable } from './state-undo.js';

const EXAMPLE = 'patient_profiles:\n  - first_name: Ana\n    last_name: Bell';
// A browser takes seconds to draw a text box with millions of characters.
const SHOWN = 200_000;

/** The panel that adds records or replaces all. */
export function importPanel() {
  /** The text of files that is too long for the text box. */
  let long = '';
  const text = h('textarea', { required: true, spellcheck: 'false', class: 'mono', placeholder: EXAMPLE });
  const file = h('input', { type: 'file', accept: '.yaml,.yml,.json', multiple: true, change: chosen });
  async function chosen() {
    // A person who has chosen no file keeps the text that they typed.
    if (long !== '' || file.files?.length) take(await textOf(file.files ?? []));
  }
  const take = (/** @type {string} */ read) => {
    long = read.length > SHOWN ? read : '';
    text.value = long ? '' : read;
    text.disabled = long !== '';
    text.placeholder = long ? `Too long to show: ${size(long.length)}. It is imported as it is.` : EXAMPLE;
  };
  const problems = h('div', { role: 'alert' });
  const way = (/** @type {string} */ value, /** @type {string} */ label) =>
    h('label', { class: 'check' }, h('input', { type: 'radio', name: 'way', value, checked: value === 'add' }), label);
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    fill(problems);
    const replaces = new FormData(form).get('way') === 'replace';
    try {
      await (replaces ? replace : add)(long || text.value);
      file.value = '';
      take('');
    } catch (error) {
      fill(problems, ...explain(error));
    }
  };
  const form = h(
    'form',
    { class: 'stack import', submit },
    h('label', { class: 'field' }, h('span', {}, 'A file, or the files of a fixture folder'), file),
    h('label', { class: 'field' }, h('span', {}, 'Fixtures, as YAML or JSON'), text),
    h('fieldset', { class: 'checks' }, h('legend', {}, 'What happens'), way('add', 'Add these records to the present ones'), way('replace', 'Replace all records by these')),
    h('div', { class: 'buttons' }, h('button', { class: 'primary' }, 'Import')),
    problems,
  );
  return h('section', { class: 'panel', 'aria-labelledby': 'import-title' }, h('h2', { id: 'import-title' }, 'Import'), form);
}

/** @param {Iterable<File>} files */
async function textOf(files) {
  const texts = await Promise.all([...files].map(async (one) => named(one.name, await one.text())));
  return texts.join('\n');
}

/**
 * The text of a file of a fixture folder with its kind: such a file is named after its kind and holds only the list.
 *
 * @param {string} name
 * @param {string} text
 */
function named(name, text) {
  const kind = name.replace(/\.\w+$/, '');
  const isList = /^(\s|#[^\n]*\n|---\n)*[-[]/.test(text);
  return isKind(kind) && isList ? `${kind}:\n${text.replace(/^---$/m, '')}` : text;
}

/** @param {string} text */
async function add(text) {
  const added = await control('/state', { method: 'POST', ...body(text) });
  const found = [count(added.patient_profiles.length, 'patient profile'), count(added.sessions.length, 'session')];
  toast(`Added: ${found.join(', ')}.`);
}

/** @param {string} text */
function replace(text) {
  return undoable('before-import', () => control('/state', { method: 'PUT', ...body(text) }), 'All records are replaced.');
}

/**
 * A text as a body. JSON is also YAML, but its errors are told better as JSON.
 *
 * @param {string} text
 */
function body(text) {
  const type = text.trimStart().startsWith('{') ? 'application/json' : 'application/yaml';
  return { body: text, headers: { 'content-type': type } };
}

/** @param {unknown} error */
function explain(error) {
  const message = error instanceof Error ? error.message : String(error);
  const { hint, problems, more } = error instanceof Refusal ? error : new Refusal(0, message, '');
  if (problems.length === 0) return [h('p', { class: 'wrong-text' }, sentence(message)), hint && h('p', { class: 'soft' }, sentence(hint))];
  const title = `Nothing was imported: ${count(problems.length + more, 'problem')}.`;
  return [
    h('p', { class: 'wrong-text' }, title),
    h('ol', { class: 'problems' }, problems.map((problem) => h('li', {}, place(problem)))),
    more > 0 && h('p', { class: 'soft' }, `And ${withCommas(more)} more.`),
  ];
}

/**
 * A problem with its place, such as `sessions[0].name: …`.
 *
 * @param {string} problem
 */
function place(problem) {
  const [, where, what] = /^([^\s:]+): (.*)$/s.exec(problem) ?? ['', '', problem];
  return h('span', {}, where && h('code', {}, plain(where)), where && ' ', plain(what));
}
