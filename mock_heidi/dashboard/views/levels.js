// The levels of findings.

/** @typedef {'error' | 'warning' | 'info'} Level */

/** The highest first. @type {Level[]} */
export const LEVELS = ['error', 'warning', 'info'];

/** The class of a badge for each level. The badge has the word too. */
export const LEVEL_CLASSES = { error: 'wrong', warning: 'care', info: 'info' };
