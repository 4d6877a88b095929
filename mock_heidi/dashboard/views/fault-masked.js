// Rules and replies with secrets. The server shows a secret as ***, so that the page cannot set the same thing again.

import { ask } from '../parts/dialog.js';

/** @param {unknown} row */
export function isMasked(row) {
  return JSON.stringify(row).includes('***');
}

/**
 * True if something may be deleted with an undo; false if it may be deleted and there is no undo, since the person has
 * agreed; null if it stays.
 *
 * @param {unknown} row
 * @param {string} question
 * @returns {Promise<boolean | null>}
 */
export async function askIfMasked(row, question) {
  if (!isMasked(row)) return true;
  return (await ask(`${question} It holds a secret that is not shown, so this cannot be undone.`, 'Delete')) ? false : null;
}
