// Remembers what is shown, so that an element is drawn anew only if it changes: a new one would lose the focus.

/**
 * A function that is true if a value differs from the one of the last call.
 *
 * @returns {(value: unknown) => boolean}
 */
export function memo() {
  let last = '';
  return (value) => {
    const now = JSON.stringify(value) ?? 'undefined';
    const isNew = now !== last;
    last = now;
    return isNew;
  };
}
