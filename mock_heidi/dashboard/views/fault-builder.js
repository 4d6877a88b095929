// The builder of a rule: fields, a sentence that says what will happen, and the same rule in three forms.

import { control, Refusal } from '../parts/control.js';
import { copyBlock } from '../parts/copy.js';
import { fill, h } from '../parts/dom.js';
import { plain } from '../parts/format.js';
import { reloader } from '../parts/reload.js';
import { address, go } from '../parts/route.js';
import { attempt, sentence, toast } from '../parts/toast.js';
import { effectChoice } from './fault-effects.js';
import { Missing } from './fault-field.js';
import { commandHere } from './fault-forms.js';
import { limitFields, nameFields, requestFields, whichRequests } from './fault-selection.js';

/** @typedef {Record<string, any>} Rule */

/**
 * The builder in its place. `show` opens it with the rule of an address, or closes it.
 *
 * @param {HTMLElement} place
 * @param {AbortSignal} signal
 * @param {() => void} added called when a rule is set
 */
export async function openBuilder(place, signal, added) {
  const { effects } = await control('/effects', { signal });
  const which = whichRequests(effects[0].operations, changed);
  const [ofRequests, ofTimes, ofNames] = [requestFields(changed), limitFields(changed), nameFields(changed)];
  const choice = effectChoice(effects, changed);
  const known = new Set(effects.map((/** @type {any} */ effect) => effect.name));

  const heading = h('h2', { tabindex: '-1', id: 'builder-title' }, 'New rule');
  const says = h('p', { class: 'says', 'aria-live': 'polite' });
  const why = h('p', { class: 'refusal', role: 'status' });
  const forms = h('div', { class: 'stack' });
  const save = h('button', { class: 'primary' }, 'Add the rule');
  /** What the fields say. @type {Rule} */
  let rule = {};
  /** Fields of the address that no rule has; the server refuses them. @type {Rule} */
  let unknown = {};
  /** The id of the rule that is changed. @type {string | null} */
  let replaces = null;
  /** What a person must do before the rule can be read; empty if it can. */
  let todo = '';

  const form = h(
    'form',
    { class: 'panel builder', 'aria-labelledby': 'builder-title', submit },
    h('header', { class: 'builder-head' }, heading, h('button', { type: 'button', class: 'quiet', click: () => go('#/faults') }, 'Close')),
    h(
      'div',
      { class: 'builder-parts' },
      h(
        'div',
        { class: 'builder-fields' },
        part('Which requests', ...which.elements, ...ofRequests.map(({ element }) => element)),
        part('How often', ...ofTimes.map(({ element }) => element)),
        part('What goes wrong', h('div', { class: 'wide stack' }, ...choice.elements)),
        part('Name', ...ofNames.map(({ element }) => element)),
      ),
      h(
        'aside',
        { class: 'builder-result', 'aria-label': 'The rule' },
        h('h3', {}, 'What will happen'),
        says,
        why,
        h('div', { class: 'buttons' }, save, h('button', { type: 'button', click: () => go('#/faults') }, 'Cancel')),
        forms,
      ),
    ),
  );
  const ask = reloader(preview, signal);

  function allFields() {
    return [...which.fields, ...ofRequests, ...ofTimes, ...ofNames, ...choice.fields];
  }

  function changed() {
    read();
    go(address(['faults'], { rule: JSON.stringify(rule) }), { replace: true });
    ask();
  }

  function read() {
    todo = '';
    for (const one of allFields()) one.refuse('');
    const others = [...ofRequests, ...ofTimes, ...ofNames, ...choice.fields].map((one) => {
      try {
        return [one.name, one.value];
      } catch (error) {
        const isMissing = error instanceof Missing;
        if (!isMissing || todo === '') todo = isMissing ? `Give ${one.name} a value.` : 'Correct the marked field.';
        one.refuse(sentence(error instanceof Error ? error.message : String(error)), isMissing);
        return [one.name, undefined];
      }
    });
    const given = { ...which.read(), ...Object.fromEntries(others), ...unknown };
    rule = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  }

  /** @param {{ rule: Rule, command: string, python: string }} checked */
  function drawForms({ rule: canonical, command, python }) {
    const blocks = [
      ['JSON', JSON.stringify(canonical)],
      ['Command line', commandHere(command)],
      ['Python', python],
    ];
    fill(forms, blocks.map(([name, text]) => h('div', { class: 'form-of-rule' }, h('h3', {}, name), copyBlock(text, `the rule as ${name}`))));
  }

  async function preview() {
    const asked = JSON.stringify(rule);
    const isEmpty = choice.fields.length === 0;
    if (isEmpty || todo) return show(isEmpty ? 'Choose what goes wrong.' : todo, null);
    try {
      const checked = await control('/faults/preview', { method: 'POST', body: rule, signal });
      if (asked !== JSON.stringify(rule)) return;
      drawForms(checked);
      show(checked.says, null);
    } catch (error) {
      if (!(error instanceof Refusal) || error.status !== 400) throw error;
      if (asked === JSON.stringify(rule)) show('', error);
    }
  }

  /**
   * @param {string} text
   * @param {Refusal | null} refusal
   */
  function show(text, refusal) {
    says.textContent = plain(text);
    says.classList.toggle('soft', choice.fields.length === 0 || todo !== '');
    forms.hidden = choice.fields.length === 0 || refusal !== null || todo !== '';
    save.disabled = forms.hidden;
    why.textContent = '';
    if (todo) return;
    const named = refusal === null ? [] : allFields().filter(({ name }) => name in rule && new RegExp(`\\b${name}\\b`).test(refusal.message));
    const reason = refusal === null ? '' : reasonOf(refusal);
    for (const one of allFields()) one.refuse(named.includes(one) ? reason : '');
    which.refuse(refusal !== null && /^operation\b/.test(refusal.message) ? reason : '');
    why.textContent = named.length > 0 ? 'The rule cannot be set as it is. The reason stands beside its field.' : reason;
  }

  /** @param {SubmitEvent} event */
  function submit(event) {
    event.preventDefault();
    attempt(async () => {
      const made = await set(rule, replaces);
      toast(replaces === null ? `Rule ${made.id} is set.` : `Rule ${made.id} is changed. It is tried after the others now.`);
      added();
      go('#/faults');
    });
  }

  return {
    /** @param {string | null} text the rule as JSON; null closes the builder */
    async show(text) {
      place.hidden = text === null;
      if (text === null) return fill(place);
      if (place.contains(form) && text === JSON.stringify(rule)) return;
      const given = parsed(text);
      const names = new Set([...allFields().map(({ name }) => name), ...known, 'operation']);
      unknown = Object.fromEntries(Object.entries(given).filter(([name]) => !names.has(name)));
      which.write(given);
      for (const one of [...ofRequests, ...ofTimes, ...ofNames]) one.value = given[one.name];
      choice.write(given);
      replaces = given.id === undefined ? null : await activeId(given.id);
      heading.textContent = replaces === null ? 'New rule' : `Change rule ${plain(replaces)}`;
      save.textContent = replaces === null ? 'Add the rule' : 'Change the rule';
      fill(place, form);
      read();
      ask();
      heading.focus();
    },
  };
}

/**
 * The refusal with its cure. A builder needs no example of a whole rule.
 *
 * @param {Refusal} refusal
 */
function reasonOf({ message, hint }) {
  const cure = hint && !hint.startsWith('send a rule such as') ? ` ${sentence(hint)}` : '';
  return plain(sentence(message) + cure);
}

/**
 * @param {string} title
 * @param {...Node} content
 */
function part(title, ...content) {
  return h('fieldset', { class: 'form' }, h('legend', {}, title), ...content);
}

/**
 * @param {string} text
 * @returns {Rule}
 */
function parsed(text) {
  /** @type {unknown} */
  let given = null;
  try {
    given = JSON.parse(text);
  } catch {
    // The message below says it.
  }
  if (typeof given === 'object' && given !== null && !Array.isArray(given)) return given;
  throw new Refusal(0, 'the address holds no rule', 'write it like #/faults?rule={"operation":"get_session","status":503}');
}

/** @param {string} id */
async function activeId(id) {
  const { faults } = await control('/faults');
  return faults.some((/** @type {Rule} */ one) => one.id === id) ? id : null;
}

/**
 * Sets a rule, in place of another one. If it is refused, the other one stays.
 *
 * @param {Rule} rule
 * @param {string | null} replaces
 */
async function set(rule, replaces) {
  if (replaces === null) return control('/faults', { method: 'POST', body: rule });
  await control('/faults/preview', { method: 'POST', body: rule });
  await control(`/faults/${encodeURIComponent(replaces)}`, { method: 'DELETE' });
  return control('/faults', { method: 'POST', body: rule });
}
