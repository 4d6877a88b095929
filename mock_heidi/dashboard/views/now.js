// What to paste into a client, the clock, the server and its namespaces.

import { control } from '../parts/control.js';
import { copy } from '../parts/copy.js';
import { h } from '../parts/dom.js';
import { clockPanel } from './clock.js';
import { Connect } from './connect.js';
import { MockClock } from './mock-clock.js';
import { Namespaces } from './namespaces.js';
import { serverPanel } from './server.js';
import { transitionsPanel } from './transitions.js';

/** @type {import('../parts/app.js').Open} */
export async function open(route, signal) {
  const clock = new MockClock();
  const time = clockPanel(clock);
  const namespaces = new Namespaces(signal);
  const [health, access, transitions] = await Promise.all([
    control('/health', { signal }),
    control('/access', { signal }),
    transitionsPanel(signal),
    namespaces.load(),
    clock.begin(signal),
  ]);
  const connect = new Connect(access, clock);
  connect.show(route.query.get('code') ?? 'env');
  const element = h(
    'div',
    { class: 'view' },
    h('header', { class: 'view-head' }, h('h1', {}, 'Now'), h('p', {}, `mock_heidi ${health.version} is running. Point your client at it.`)),
    connect.element,
    h('div', { class: 'panels now' }, time, h('div', { class: 'column' }, transitions, serverPanel(health, access, signal))),
    namespaces.element,
  );
  return {
    title: 'Now',
    element,
    update: (next) => connect.show(next.query.get('code') ?? 'env'),
    shortcuts: [
      { keys: 'c', does: 'Copy the base URL', act: () => copy(connect.base) },
      { keys: 't', does: 'Sign in and copy a token', act: () => connect.renew() },
      { keys: 'f', does: 'Freeze or unfreeze the clock', act: () => clock.set({ frozen: !clock.frozen }) },
      { keys: 'm', does: 'Advance the clock by a minute', act: () => clock.advance(60) },
      { keys: 'n', does: 'Create a namespace', act: () => namespaces.make() },
    ],
  };
}
