// The points of the contract, by the operation to which they belong.

/** @typedef {{ kind: string, name: string, count?: number, python?: string, command?: string }} Point */
/** @typedef {{ covered: number, points: number, percent: number, kinds: { kind: string, covered: number, points: number }[], exercised: Point[], missing: Point[] }} Report */
/** @typedef {{ title: string, isOperation: boolean, exercised: Point[], missing: Point[] }} Group */

/** @type {Record<string, string>} */
export const KINDS = {
  operation: 'Operations',
  error: 'Documented errors',
  stream_ending: 'Stream endings',
  token: 'Token states',
  transition: 'Transitions',
  sent_word: 'Enum values sent',
  received_word: 'Enum values received',
  optional_field: 'Optional fields',
};
const OF_OPERATIONS = ['operation', 'error', 'stream_ending', 'optional_field'];
/** @type {Record<string, string>} */
const WORDS = {
  operation: 'a call',
  error: 'the error',
  stream_ending: 'the stream ending',
  token: 'a token that is',
  transition: 'the transition',
  sent_word: 'sent',
  received_word: 'received',
  optional_field: 'the field',
};

/**
 * The points of each operation, then those of the other kinds. A group with gaps comes before one without.
 *
 * @param {Report} report
 * @returns {Group[]}
 */
export function groupsOf({ exercised, missing }) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  const group = (/** @type {Point} */ point) => {
    const isOperation = OF_OPERATIONS.includes(point.kind);
    const title = isOperation ? point.name.split(' ')[0] : KINDS[point.kind];
    const found = groups.get(title) ?? { title, isOperation, exercised: [], missing: [] };
    groups.set(title, found);
    return found;
  };
  for (const point of missing) group(point).missing.push(point);
  for (const point of exercised) group(point).exercised.push(point);
  return [...groups.values()].sort((one, other) => Number(other.isOperation) - Number(one.isOperation));
}

/**
 * A point in words: `the error SessionNotFoundError`.
 *
 * @param {Point} point
 */
export function words({ kind, name }) {
  const [, ...rest] = name.split(' ');
  if (kind === 'operation') return WORDS[kind];
  return `${WORDS[kind]} ${OF_OPERATIONS.includes(kind) ? rest.join(' ') : name}`.replaceAll('_', kind === 'token' ? ' ' : '_');
}
