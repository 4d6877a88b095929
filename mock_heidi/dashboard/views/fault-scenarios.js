// The scenarios: sets of rules with an explanation.

import { control } from '../parts/control.js';
import { h } from '../parts/dom.js';
import { plain } from '../parts/format.js';
import { toggle } from '../parts/switch.js';
import { attempt } from '../parts/toast.js';
import { bare } from './fault-rules.js';

/** @typedef {import('./fault-rules.js').Rule} Rule */

/**
 * @param {{ name: string, explanation: string, faults: Rule[] }} scenario
 * @param {Rule[]} active the rules that are set
 * @param {() => void} refresh
 */
export function scenarioRow(scenario, active, refresh) {
  const ids = idsOf(scenario, active);
  const change = (/** @type {boolean} */ on) =>
    attempt(async () => {
      if (on) await control(`/scenarios/${encodeURIComponent(scenario.name)}`, { method: 'POST' });
      else for (const id of ids) await control(`/faults/${encodeURIComponent(id)}`, { method: 'DELETE' });
      refresh();
    });
  const knob = toggle(`Scenario ${scenario.name}`, ids.length > 0, change);
  knob.dataset.key = `scenario-${scenario.name}`;
  return h(
    'li',
    { class: 'rule' },
    knob,
    h(
      'div',
      { class: 'rule-text' },
      h('p', {}, h('strong', {}, plain(scenario.name))),
      h('p', { class: 'soft' }, plain(scenario.explanation)),
    ),
  );
}

/**
 * The ids of the active rules that are those of a scenario; empty if one of its rules is not set.
 *
 * @param {{ name: string, faults: Rule[] }} scenario
 * @param {Rule[]} active
 * @returns {string[]}
 */
function idsOf(scenario, active) {
  const left = active.map((rule) => ({ id: rule.id, form: form(rule) }));
  const ids = [];
  for (const fault of scenario.faults) {
    const wanted = form({ label: `scenario ${scenario.name}`, ...fault });
    const at = left.findIndex((rule) => rule.form === wanted);
    if (at < 0) return [];
    ids.push(...left.splice(at, 1).map(({ id }) => id));
  }
  return ids;
}

/** @param {Rule} rule */
function form(rule) {
  const { id: _id, ...fields } = bare(rule);
  return JSON.stringify(Object.entries(fields).sort());
}
