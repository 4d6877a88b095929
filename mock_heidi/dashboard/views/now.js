// What to paste into a client, the namespaces, and the clock.

import { control, here } from '../parts/control.js';
import { copyBlock } from '../parts/copy.js';
import { h } from '../parts/dom.js';

/** @type {import('../parts/app.js').Open} */
export async function open(_route, signal) {
  const health = await control('/health', { signal });
  const element = h(
    'div',
    { class: 'view' },
    h('header', { class: 'view-head' }, h('h1', {}, 'Now'), h('p', {}, `mock_heidi ${health.version} is running. Point your client at it.`)),
    h('section', { class: 'panel' }, h('h2', {}, 'Base URL'), copyBlock(health.base_url, 'the base URL'), h('p', { class: 'soft' }, here.namespace)),
  );
  return { title: 'Now', element };
}
