// What the server is and what it has switched on.

import { h } from '../parts/dom.js';
import { span } from '../parts/format.js';

/**
 * The panel of the server.
 *
 * @param {any} health
 * @param {any} access
 * @param {AbortSignal} signal
 */
export function serverPanel(health, access, signal) {
  const { used, limit } = health.memory;
  const uptime = h('dd', {});
  const asked = performance.now();
  const draw = () => (uptime.textContent = span(health.uptime + (performance.now() - asked) / 1000));
  draw();
  const timer = setInterval(draw, 1000);
  signal.addEventListener('abort', () => clearInterval(timer));
  /** @type {[string, HTMLElement][]} */
  const facts = [
    ['Version', fact(health.version)],
    ['Uptime', uptime],
    ['Seed', fact(String(health.seed))],
    ['Memory', h('dd', {}, h('meter', { min: 0, max: limit, value: used, 'aria-label': 'Memory of the traffic' }), ` ${megabytes(used)} of ${megabytes(limit)} MB`)],
    ['Strict', choice(access.strict, 'refuses what no page documents', '--strict refuses what no page documents')],
    ['Coverage', choice(access.coverage, 'counts what clients exercise', '--coverage counts what clients exercise')],
    ['https', choice(access.https_base_url !== null, 'on the same port', 'the extra tls adds it')],
    ['Proxy', choice(access.proxy_url !== null, 'serves the hosts of the real service', '--proxy serves the hosts of the real service')],
    ['Journal', fact(access.journal)],
  ];
  return h(
    'section',
    { class: 'panel', 'aria-labelledby': 'server-title' },
    h('h2', { id: 'server-title' }, 'Server'),
    h('dl', { class: 'facts' }, ...facts.flatMap(([name, element]) => [h('dt', {}, name), element])),
  );
}

/** @param {number} bytes */
function megabytes(bytes) {
  return (bytes / 2 ** 20).toFixed(bytes < 2 ** 20 * 10 ? 1 : 0);
}

/** @param {string} text */
function fact(text) {
  return h('dd', {}, text);
}

/**
 * @param {boolean} isOn
 * @param {string} does
 * @param {string} how
 */
function choice(isOn, does, how) {
  return h('dd', {}, h('span', { class: isOn ? 'badge good' : 'badge' }, isOn ? 'on' : 'off'), ' ', h('span', { class: 'soft small' }, isOn ? does : how));
}
