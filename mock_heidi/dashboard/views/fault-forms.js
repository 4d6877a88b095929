// The command of a rule, as it works here.

import { here } from '../parts/control.js';

// Where the command looks for a server by itself.
const DEFAULT_HOST = '127.0.0.1:4343';

/**
 * The command with the address of this server and its namespace, where it would not find them by itself.
 *
 * @param {string} command such as `mock-heidi fault add get_session:status=503`
 */
export function commandHere(command) {
  const isDefault = location.protocol === 'http:' && location.host === DEFAULT_HOST && here.root === '';
  const url = isDefault ? '' : ` --url ${here.server}`;
  const namespace = here.namespace === 'default' ? '' : ` --namespace ${here.namespace}`;
  return command.replace(' fault add', ` fault add${url}${namespace}`);
}
