/**
 * @param {HTMLElement} place
 * @param {AbortSignal} signal
 * @param {() => void} added
 */
export async function openBuilder(place, signal, added) {
  return { show: async (/** @type {string | null} */ text) => (place.textContent = text, void signal, void added) };
}
