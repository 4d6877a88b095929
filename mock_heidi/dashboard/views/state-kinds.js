// The kinds of records, and how many there are of each.

import { control } from '../parts/control.js';

/**
 * `listed` kinds can be many, so they are asked for in rows, and each record can be edited. The others come whole, and
 * only an import changes them. `view` shows the kind with more comfort.
 *
 * @typedef {{ label: string, key: (row: any) => string, title: (row: any) => string, listed?: boolean, view?: string }} Kind
 */

/**
 * The kinds by their names in fixtures.
 *
 * @type {Record<string, Kind>}
 */
export const KINDS = {
  patient_profiles: { label: 'Patient profiles', key: (row) => row.id, title: (row) => row.name, listed: true, view: 'patients' },
  sessions: { label: 'Sessions', key: (row) => row.session_id, title: (row) => row.session_name, listed: true, view: 'sessions' },
  users: {
    label: 'Users',
    key: (row) => [row.managed_by, row.email, row.third_party_internal_id].join(' / '),
    title: (row) => row.email,
    listed: true,
  },
  api_keys: { label: 'API keys', key: (row) => row.key, title: (row) => row.ehr_provider },
  templates: { label: 'Templates', key: (row) => row.id, title: (row) => row.name },
  transcripts: { label: 'Transcripts', key: (row) => row.id, title: (row) => row.title },
  clinical_codes: { label: 'Clinical codes', key: ({ primary }) => `${primary.code_system}/${primary.code}`, title: ({ primary }) => primary.code_name },
  replies: { label: 'Replies at the start', key: (row) => row.operation, title: (row) => row.text ?? row.pieces?.join('') ?? '' },
  faults: { label: 'Faults at the start', key: (row) => row.id ?? row.operation ?? 'fault', title: (row) => row.label ?? '' },
  scenarios: { label: 'Scenarios', key: (row) => row.name, title: (row) => row.explanation },
};

/**
 * True for the name of a kind. An address may name what every object inherits, such as `constructor`.
 *
 * @param {string | undefined} name
 * @returns {name is string}
 */
export function isKind(name) {
  return name !== undefined && Object.hasOwn(KINDS, name);
}

const WHOLE = Object.keys(KINDS).filter((kind) => !KINDS[kind].listed);
const LISTED = Object.keys(KINDS).filter((kind) => KINDS[kind].listed);
// The most rows that the control API gives at once.
const MOST = 1000;

/**
 * The number of records of each kind.
 *
 * @param {AbortSignal} signal
 * @returns {Promise<Record<string, number>>}
 */
export async function readCounts(signal) {
  const [whole, ...totals] = await Promise.all([
    control(`/state?kinds=${WHOLE}`, { signal }),
    ...LISTED.map((kind) => control(`/state/${kind}?limit=0`, { signal })),
  ]);
  return Object.fromEntries([
    ...LISTED.map((kind, at) => [kind, totals[at].total]),
    ...WHOLE.map((kind) => [kind, whole[kind]?.length ?? 0]),
  ]);
}

/**
 * The rows of a kind that contain a text, at most a thousand, and the number of all of them.
 *
 * @param {string} kind
 * @param {string} text
 * @param {AbortSignal} signal
 * @returns {Promise<{ records: any[], total: number }>}
 */
export async function readRows(kind, text, signal) {
  if (KINDS[kind].listed) return control(`/state/${kind}?${new URLSearchParams({ text, limit: String(MOST) })}`, { signal });
  /** @type {any[]} */
  const all = (await control(`/state?kinds=${kind}`, { signal }))[kind] ?? [];
  const records = all.filter((row) => JSON.stringify(row).toLowerCase().includes(text.toLowerCase()));
  return { records, total: records.length };
}

/**
 * The path of a record that can be edited.
 *
 * @param {string} kind
 * @param {string} key
 */
export function pathOf(kind, key) {
  if (kind !== 'users') return `/state/${kind}/${encodeURIComponent(key)}`;
  const [managed_by, email = '', ...third] = key.split(' / ');
  const query = new URLSearchParams({ managed_by, third_party_internal_id: third.join(' / ') });
  return `/state/users/${encodeURIComponent(email)}?${query}`;
}
