// The rules that are set, and those that are switched off here.

import { control, Refusal } from '../parts/control.js';
import { h } from '../parts/dom.js';
import { count, plain } from '../parts/format.js';
import { address, go } from '../parts/route.js';
import { toggle } from '../parts/switch.js';
import { attempt, toast } from '../parts/toast.js';
import { askIfMasked, isMasked } from './fault-masked.js';

/** @typedef {Record<string, any>} Rule */
/** @typedef {() => void} Refresh */

/** The rules that are switched off, by id, for as long as the page is open. @type {Map<string, Rule>} */
const off = new Map();

/**
 * The rules that are switched off. One that another program has set again is no longer off.
 *
 * @param {Rule[]} active
 */
export function rulesOff(active) {
  for (const { id } of active) off.delete(id);
  return [...off.values()];
}

/**
 * A rule without what the server adds to it.
 *
 * @param {Rule} rule
 */
export function bare({ hits: _hits, matched: _matched, says: _says, ...fields }) {
  return fields;
}

/**
 * @param {Rule} rule
 * @param {boolean} isOn
 * @param {Refresh} refresh
 */
export function ruleRow(rule, isOn, refresh) {
  const isUsedUp = isOn && rule.times !== undefined && rule.hits >= rule.times;
  const change = (/** @type {boolean} */ on) => attempt(async () => (await (on ? switchOn(rule) : switchOff(rule)), refresh()));
  const knob = toggle(`Rule ${rule.id}`, isOn, change);
  knob.dataset.key = `switch-${rule.id}`;
  const edit = () => go(address(['faults'], { rule: JSON.stringify(bare(rule)) }));
  return h(
    'li',
    { class: isOn ? 'rule' : 'rule off', 'data-id': rule.id },
    knob,
    h(
      'div',
      { class: 'rule-text' },
      h('p', {}, plain(rule.says)),
      h(
        'p',
        { class: 'rule-facts' },
        h('code', {}, rule.id),
        rule.label ? h('span', { class: 'badge' }, plain(rule.label)) : null,
        isUsedUp ? h('span', { class: 'badge care' }, 'used up') : null,
        isOn ? null : h('span', { class: 'badge' }, 'off'),
        hitsLink(rule),
      ),
    ),
    h(
      'div',
      { class: 'buttons' },
      h('button', { type: 'button', class: 'quiet', 'aria-label': `Change rule ${rule.id}`, 'data-key': `change-${rule.id}`, click: edit }, 'Change'),
      h('button', { type: 'button', class: 'quiet', 'aria-label': `Delete rule ${rule.id}`, 'data-key': `delete-${rule.id}`, click: () => attempt(() => remove(rule, refresh)) }, 'Delete'),
    ),
  );
}

/** @param {Rule} rule */
function hitsLink(rule) {
  if (rule.hits === 0) return h('span', {}, rule.matched > 0 ? `no hit, ${count(rule.matched, 'match', 'matches')}` : 'no hit yet');
  return h('a', { href: address(['requests'], { fault: rule.id }), 'data-key': `hits-${rule.id}` }, count(rule.hits, 'hit'));
}

/** @param {Rule} rule */
async function switchOff(rule) {
  if (isMasked(rule)) throw new Refusal(0, 'the rule holds a secret that is not shown', 'This page could not switch it on again. Delete it instead');
  await control(`/faults/${encodeURIComponent(rule.id)}`, { method: 'DELETE' });
  off.set(rule.id, rule);
}

/** @param {Rule} rule */
async function switchOn(rule) {
  await control('/faults', { method: 'POST', body: bare(rule) });
  off.delete(rule.id);
}

/**
 * @param {Rule} rule
 * @param {Refresh} refresh
 */
async function remove(rule, refresh) {
  const canUndo = await askIfMasked(rule, `Delete rule ${rule.id}?`);
  if (canUndo === null) return;
  const wasOff = off.delete(rule.id);
  if (!wasOff) await control(`/faults/${encodeURIComponent(rule.id)}`, { method: 'DELETE' });
  refresh();
  const act = () => attempt(async () => (await switchOn(rule), refresh()));
  toast(`Rule ${rule.id} is deleted.`, canUndo ? { action: 'Undo', act } : {});
}

/** @param {Refresh} refresh */
export async function removeAll(refresh) {
  const { faults } = await control('/faults');
  const canUndo = await askIfMasked(faults, 'Delete all rules?');
  if (canUndo === null) return;
  const gone = [...faults, ...off.values()];
  await control('/faults', { method: 'DELETE' });
  const kept = [...off];
  off.clear();
  refresh();
  const act = () => attempt(() => setAgain(faults, kept, refresh));
  toast(`${count(gone.length, 'rule')} deleted.`, canUndo ? { action: 'Undo', act } : {});
}

/**
 * @param {Rule[]} faults
 * @param {[string, Rule][]} kept those that were off
 * @param {Refresh} refresh
 */
async function setAgain(faults, kept, refresh) {
  for (const rule of faults) await control('/faults', { method: 'POST', body: bare(rule) });
  for (const [id, rule] of kept) off.set(id, rule);
  refresh();
}

export function emptyRules() {
  return h(
    'li',
    { class: 'soft' },
    'No rule is set, so every answer is as it should be. Build a rule, or switch on a scenario below. From a shell: ',
    h('code', {}, 'mock-heidi fault add get_session:status=503,times=1'),
  );
}
