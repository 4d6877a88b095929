// How a client that has a host of the real service in its code reaches this server.

import { copyBlock } from '../parts/copy.js';
import { h } from '../parts/dom.js';
import { asVendor, proxyCommand } from './snippets.js';

const HOST = 'registrar.api.heidihealth.com';

/**
 * The ways that work with this server, and how to switch on the others.
 *
 * @param {import('./connect.js').Access} access
 * @param {import('./snippets.js').Target} target
 * @returns {Node[]}
 */
export function fixedHost(access, target) {
  const about = h('p', { class: 'soft' }, 'For a client that has a host of the real service in its code, such as ', h('code', {}, HOST), '. Its code stays as it is.');
  if (access.https_base_url === null) {
    return [about, h('p', {}, 'This needs https. Install the extra ', h('code', {}, 'tls'), ' of mock-heidi, then start the server again.')];
  }
  return [
    about,
    h('h3', {}, 'In a Python test'),
    copyBlock(asVendor(target, HOST), 'as_vendor'),
    h('h3', {}, access.proxy_url !== null ? 'In a shell, through the proxy of this server' : 'In a shell, beside a server with a proxy'),
    ...proxy(access.proxy_url !== null, target),
  ];
}

/**
 * @param {boolean} isOn
 * @param {import('./snippets.js').Target} target
 */
function proxy(isOn, target) {
  if (isOn) {
    const then = h('p', { class: 'soft' }, 'Then start the client in the same shell. It finds the proxy and trusts the certificate.');
    return [copyBlock(proxyCommand(target), 'proxy'), then];
  }
  const or = h('p', { class: 'soft' }, 'This server is not a proxy. To make it one, start it with ', h('code', {}, 'mock-heidi serve --proxy'), '.');
  return [copyBlock('mock-heidi exec --proxy -- npm test', 'exec'), or];
}
