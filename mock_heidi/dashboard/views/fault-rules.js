// The rules that are set.

import { control } from '../parts/control.js';
import { h } from '../parts/dom.js';
import { count, plain } from '../parts/format.js';
import { address, go } from '../parts/route.js';
import { toggle } from '../parts/switch.js';
import { attempt, toast } from '../parts/toast.js';
import { askIfMasked } from './fault-masked.js';

/** @typedef {Record<string, any>} Rule */
/** @typedef {() => void} Refresh */

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
 * @param {Refresh} refresh
 */
export function ruleRow(rule, refresh) {
  const isOn = rule.enabled !== false;
  const isUsedUp = isOn && rule.times !== undefined && rule.hits >= rule.times;
  const change = (/** @type {boolean} */ on) => attempt(async () => (await switchRule(rule.id, on), refresh()));
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

/**
 * Switches a rule off or on. It keeps its place and its hits.
 *
 * @param {string} id
 * @param {boolean} enabled
 */
export function switchRule(id, enabled) {
  return control(`/faults/${encodeURIComponent(id)}`, { method: 'PATCH', body: { enabled } });
}

/**
 * @param {Rule} rule
 * @param {Refresh} refresh
 */
async function remove(rule, refresh) {
  const canUndo = await askIfMasked(rule, `Delete rule ${rule.id}?`);
  if (canUndo === null) return;
  await control(`/faults/${encodeURIComponent(rule.id)}`, { method: 'DELETE' });
  refresh();
  const act = () => attempt(() => setAgain([rule], refresh));
  toast(`Rule ${rule.id} is deleted.`, canUndo ? { action: 'Undo', act } : {});
}

/** @param {Refresh} refresh */
export async function removeAll(refresh) {
  const { faults } = await control('/faults');
  const canUndo = await askIfMasked(faults, 'Delete all rules?');
  if (canUndo === null) return;
  await control('/faults', { method: 'DELETE' });
  refresh();
  const act = () => attempt(() => setAgain(faults, refresh));
  toast(`${count(faults.length, 'rule')} deleted.`, canUndo ? { action: 'Undo', act } : {});
}

/**
 * @param {Rule[]} faults
 * @param {Refresh} refresh
 */
async function setAgain(faults, refresh) {
  for (const rule of faults) await control('/faults', { method: 'POST', body: bare(rule) });
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
