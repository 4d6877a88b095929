// Rows that are drawn anew while a person is in them.

/**
 * Draws rows anew. The element with the same `data-key` as before has the focus, and what was open stays open.
 *
 * @param {() => void} draw
 */
export function keepPlace(draw) {
  const focused = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.key : undefined;
  const opened = [...document.querySelectorAll('details[open] > summary[data-key]')].map((summary) => keyOf(summary));
  draw();
  for (const key of opened) {
    const details = find(key)?.parentElement;
    if (details instanceof HTMLDetailsElement) details.open = true;
  }
  if (focused !== undefined && find(focused) !== document.activeElement) find(focused)?.focus();
}

/** @param {Element} element */
function keyOf(element) {
  return element instanceof HTMLElement ? (element.dataset.key ?? '') : '';
}

/**
 * @param {string} key
 * @returns {HTMLElement | null}
 */
function find(key) {
  return document.querySelector(`[data-key="${CSS.escape(key)}"]`);
}
