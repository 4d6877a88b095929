// Texts of moments, sizes and durations.

/**
 * The time of a moment, to the millisecond: `12:03:07.120`.
 *
 * @param {string} moment in ISO 8601, UTC
 */
export function time(moment) {
  return moment.slice(11, 23);
}

/**
 * The date and time of a moment: `2025-01-06 12:03`.
 *
 * @param {string | null | undefined} moment in ISO 8601
 */
export function dateAndTime(moment) {
  return moment ? `${moment.slice(0, 10)} ${moment.slice(11, 16)}` : '';
}

/**
 * A duration with three digits: `3.5 ms`, `1.20 s`.
 *
 * @param {number | null | undefined} seconds
 */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return '';
  if (seconds < 1) return `${digits(seconds * 1000)} ms`;
  if (seconds < 60) return `${digits(seconds)} s`;
  const whole = Math.floor(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${whole % 60} s`;
}

/**
 * A duration in whole seconds, minutes or hours: `12 s`, `3 min 20 s`.
 *
 * @param {number} seconds
 */
export function span(seconds) {
  return seconds < 60 ? `${Math.floor(seconds)} s` : duration(seconds);
}

/**
 * A size with its unit: `83 B`, `1.24 kB`.
 *
 * @param {number | null | undefined} bytes
 */
export function size(bytes) {
  if (bytes === null || bytes === undefined) return '';
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${digits(bytes / 1000)} kB` : `${digits(bytes / 1e6)} MB`;
}

/** @param {number} number */
function digits(number) {
  return number.toFixed(number < 10 ? 2 : number < 100 ? 1 : 0);
}

/**
 * A whole number with commas: `12,003`. The browser's own `toLocaleString` takes 18 ms the first time.
 *
 * @param {number} number
 */
export function withCommas(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ',');
}

/**
 * A number and its noun: `1 request`, `12 requests`.
 *
 * @param {number} number
 * @param {string} noun
 * @param {string} [plural]
 */
export function count(number, noun, plural = `${noun}s`) {
  return `${withCommas(number)} ${number === 1 ? noun : plural}`;
}

// Controls but tab and line feed, formats, halves of pairs, separators of lines, and letters without a shape. Variation
// selectors stay, since they belong to many emoji.
const HIDDEN = /[^\P{Cc}\t\n]|[\p{Cf}\p{Cs}\u2028\u2029\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0]/gu;

/**
 * A text without characters that change the order or the place of others, each as its code. A name with a
 * right-to-left override could else read as another name.
 *
 * @param {string} text
 */
export function plain(text) {
  return text.replace(HIDDEN, code);
}

/** @param {string} character */
function code(character) {
  return `‹${/** @type {number} */ (character.codePointAt(0)).toString(16).padStart(4, '0')}›`;
}
