// A dialog that searches the records of a kind and returns the chosen one.

import { control } from '../parts/control.js';
import { openDialog } from '../parts/dialog.js';
import { fill, h } from '../parts/dom.js';
import { dateAndTime, plain, withCommas } from '../parts/format.js';
import { attempt } from '../parts/toast.js';

const SHOWN = 8;

/** @typedef {{ id: string, name: string, about: string }} Choice */

/**
 * The chosen record, or null.
 *
 * @param {string} kind
 * @param {string} title
 * @param {string} hint what can be searched for
 * @param {(row: any) => Choice} describe
 * @param {string[]} without ids that cannot be chosen
 * @returns {Promise<Choice | null>}
 */
function pick(kind, title, hint, describe, without = []) {
  return new Promise((resolve) => {
    const results = h('ul', { class: 'picks' });
    const told = h('p', { class: 'soft small', role: 'status' });
    const search = h('input', { type: 'search', 'aria-label': 'Search', placeholder: hint, autofocus: true, autocomplete: 'off', input: () => find(), keydown: take });
    let asked = 0;
    // Enter takes the first result, so that a name that is typed to its end needs no mouse.
    function take(/** @type {KeyboardEvent} */ event) {
      if (event.key !== 'Enter') return;
      // The closed dialog gives the focus back to its button, which the same key would press.
      event.preventDefault();
      results.querySelector('button')?.click();
    }
    async function find() {
      const turn = ++asked;
      const query = new URLSearchParams({ text: search.value.trim(), limit: String(SHOWN + without.length), order: 'newest' });
      const found = await attempt(() => control(`/state/${kind}?${query}`));
      if (found === undefined || turn !== asked) return;
      const choices = found.records.map(describe).filter((/** @type {Choice} */ { id }) => !without.includes(id)).slice(0, SHOWN);
      fill(results, ...choices.map(choice));
      told.textContent = found.total > SHOWN ? `${withCommas(found.total)} match. Type more to narrow them.` : choices.length === 0 ? 'None matches.' : '';
    }
    const choice = (/** @type {Choice} */ one) => {
      const click = () => (resolve(one), dialog.close());
      return h('li', {}, h('button', { type: 'button', click }, h('span', {}, one.name), h('span', { class: 'soft small' }, one.about)));
    };
    const dialog = openDialog(title, search, results, told);
    dialog.addEventListener('close', () => resolve(null));
    find();
  });
}

export function pickPatient() {
  return pick('patient_profiles', 'Choose a patient', 'Name, birth date, e-mail or id', (row) => ({
    id: row.id,
    name: plain(row.name) || 'No name',
    about: plain([row.birth_date, row.gender, row.ehr_patient_id].filter(Boolean).join(' · ')),
  }));
}

/** @param {string[]} without */
export function pickSession(without) {
  return pick(
    'sessions',
    'Choose a session',
    'Name, patient or id',
    (row) => ({
      id: row.session_id,
      name: plain(row.session_name) || 'No name',
      about: plain([row.patient, dateAndTime(row.created_at)].filter(Boolean).join(' · ')),
    }),
    without,
  );
}
