// The name of a patient profile as a person reads it.

import { plain } from '../parts/format.js';

/** @param {{ first_name: string | null, last_name: string | null }} record */
export function nameOf({ first_name, last_name }) {
  return plain([first_name, last_name].filter(Boolean).join(' ')) || 'No name';
}
