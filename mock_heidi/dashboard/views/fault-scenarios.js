// The scenarios: sets of rules with an explanation.

import { control } from '../parts/control.js';
import { h } from '../parts/dom.js';
import { plain } from '../parts/format.js';
import { toggle } from '../parts/switch.js';
import { attempt } from '../parts/toast.js';
import { bare, switchRule } from './fault-rules.js';

/** @typedef {import('./fault-rules.js').Rule} Rule */

/**
 * @param {{ name: string, explanation: string, faults: Rule[] }} scenario
 * @param {Rule[]} active the rules that are set
 * @param {() => void} refresh
 */
export function scenarioRow(scenario, active, refresh) {
  const rules = rulesOf(scenario, active);
  const isOn = rules.length > 0 && rules.every(({ enabled }) => enabled !== false);
  const change = (/** @type {boolean} */ on) =>
    attempt(async () => {
      if (on && rules.length > 0) for (const { id } of rules) await switchRule(id, true);
      else if (on) await control(`/scenarios/${encodeURIComponent(scenario.name)}`, { method: 'POST' });
      else for (const { id } of rules) await control(`/faults/${encodeURIComponent(id)}`, { method: 'DELETE' });
      refresh();
    });
  const knob = toggle(`Scenario ${scenario.name}`, isOn, change);
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
 * The rules that are those of a scenario, on or off; empty if one of its rules is not set.
 *
 * @param {{ name: string, faults: Rule[] }} scenario
 * @param {Rule[]} active
 * @returns {Rule[]}
 */
function rulesOf(scenario, active) {
  const left = active.map((rule) => ({ rule, form: form(rule) }));
  const rules = [];
  for (const fault of scenario.faults) {
    const wanted = form({ label: `scenario ${scenario.name}`, ...fault });
    const at = left.findIndex((rule) => rule.form === wanted);
    if (at < 0) return [];
    rules.push(...left.splice(at, 1).map(({ rule }) => rule));
  }
  return rules;
}

/** @param {Rule} rule */
function form(rule) {
  const { id: _id, enabled: _enabled, ...fields } = bare(rule);
  return JSON.stringify(Object.entries(fields).sort());
}
