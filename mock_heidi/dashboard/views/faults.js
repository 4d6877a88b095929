// The rules for deliberate faults, the scenarios and the replies, and the builder of a rule.

import { control } from '../parts/control.js';
import { fill, h } from '../parts/dom.js';
import { keepPlace } from '../parts/keep-place.js';
import { live } from '../parts/live.js';
import { reloader } from '../parts/reload.js';
import { address, go } from '../parts/route.js';
import { attempt } from '../parts/toast.js';
import { openBuilder } from './fault-builder.js';
import { emptyRules, removeAll, ruleRow } from './fault-rules.js';
import { replyRow } from './fault-replies.js';
import { scenarioRow } from './fault-scenarios.js';

const LEAD = 'A fault makes the mock behave like the service on a bad day. A rule selects requests and says what goes wrong.';

/** @type {import('../parts/app.js').Open} */
export async function open(route, signal) {
  const builder = h('div', { class: 'builder-place' });
  const rules = h('ul', { class: 'rows-plain', 'aria-label': 'Rules' });
  const scenarios = h('ul', { class: 'rows-plain', 'aria-label': 'Scenarios' });
  const replies = h('ul', { class: 'rows-plain', 'aria-label': 'Replies' });
  const clear = h('button', { type: 'button', class: 'danger', click: () => attempt(() => removeAll(refresh)) }, 'Delete all rules');

  async function draw() {
    const [{ faults }, known, set] = await Promise.all([
      control('/faults', { signal }),
      control('/scenarios', { signal }),
      control('/replies', { signal }),
    ]);
    const rows = faults.map((/** @type {any} */ rule) => ruleRow(rule, refresh));
    keepPlace(() => {
      fill(rules, rows.length > 0 ? rows : emptyRules());
      fill(scenarios, known.scenarios.map((/** @type {any} */ scenario) => scenarioRow(scenario, faults, refresh)));
      fill(replies, set.replies.length > 0 ? set.replies.map((/** @type {any} */ reply) => replyRow(reply, refresh)) : emptyReplies());
    });
    clear.hidden = rows.length === 0;
  }
  const refresh = reloader(draw, signal);
  await draw();

  live.on(['fault', 'setting', 'reset'], refresh, signal, refresh);

  const start = () => go(address(['faults'], { rule: '{}' }));
  const shown = await openBuilder(builder, signal, refresh);
  await shown.show(route.query.get('rule'));
  const element = h(
    'div',
    { class: 'view' },
    h(
      'header',
      { class: 'view-head' },
      h('h1', {}, 'Faults'),
      h('div', { class: 'buttons' }, clear, h('button', { type: 'button', class: 'primary', click: start }, 'New rule')),
      h('p', {}, LEAD),
    ),
    builder,
    h('section', { class: 'stack' }, h('h2', {}, 'Rules'), rules),
    h('section', { class: 'stack' }, h('h2', {}, 'Scenarios'), scenarios),
    h('section', { class: 'stack' }, h('h2', {}, 'Replies'), replies),
  );
  return {
    title: 'Faults',
    element,
    update: (next) => attempt(() => shown.show(next.query.get('rule'))),
    shortcuts: [{ keys: 'n', does: 'Build a new rule', act: start }],
  };
}

function emptyReplies() {
  const code = h('code', {}, `mock_heidi.reply("ask_ai", text="No.")`);
  return h('li', { class: 'soft' }, 'No reply is set. A reply replaces what the mock writes or answers: ', code, ' in a test, or “Save as reply” at a request.');
}

