// The control API and the API of this server, as the dashboard calls them.

/** @typedef {{ method?: string, body?: unknown, headers?: Record<string, string>, signal?: AbortSignal }} Options */

/** Where the page is: the address of the server, the namespace, and the address of its control API. */
export const here = (() => {
  const [, root, namespace] = /^(.*?)(?:\/ns\/([^/]+))?\/_mock\//.exec(location.pathname) ?? ['', '', undefined];
  const prefix = namespace === undefined ? root : `${root}/ns/${namespace}`;
  return {
    root,
    namespace: namespace === undefined ? 'default' : decodeURIComponent(namespace),
    control: `${prefix}/_mock`,
    server: location.origin + root,
  };
})();

const KEPT = 'mock-heidi-admin-token';

/** The admin token, kept for this tab only. */
export const admin = {
  get token() {
    return sessionStorage.getItem(KEPT);
  },
  /** @param {string} token */
  keep(token) {
    sessionStorage.setItem(KEPT, token);
  },
};

/** A refusal: one sentence, and what to do. Refused records have all their problems, and the number of `more`. */
export class Refusal extends Error {
  /**
   * @param {number} status 0 if the server did not answer
   * @param {string} message
   * @param {string} hint
   * @param {string[]} problems
   * @param {number} more
   */
  constructor(status, message, hint, problems = [], more = 0) {
    super(message);
    this.status = status;
    this.hint = hint;
    this.problems = problems;
    this.more = more;
  }

  /** True if the server wants an admin token, or another one. */
  get needsToken() {
    return this.status === 403 && this.message.includes('admin token');
  }
}

/** The refusal of a server that has stopped. */
export function unanswered() {
  return new Refusal(0, 'The server does not answer.', 'See whether it still runs. The page goes on when it is back.');
}

/**
 * The JSON of an answer of the control API of the page's namespace.
 *
 * @param {string} path such as `/requests?limit=5`
 * @param {Options} options `body` is sent as JSON
 * @returns {Promise<any>}
 * @throws {Refusal}
 */
export async function control(path, options = {}) {
  const answer = await call(here.control + path, options);
  return answer.json();
}

/**
 * The text of an answer of the control API, such as an export.
 *
 * @param {string} path
 * @param {Options} options
 * @returns {Promise<string>}
 */
export async function controlText(path, options = {}) {
  const answer = await call(here.control + path, options);
  return answer.text();
}

/**
 * An answer that is no refusal.
 *
 * @param {string} url
 * @param {Options} options
 * @returns {Promise<Response>}
 */
async function call(url, options) {
  const answer = await ask(url, options);
  if (answer.ok) return answer;
  const told = await answer.json().catch(() => ({}));
  const error = told.error ?? `the control API answered ${answer.status}`;
  throw new Refusal(answer.status, error, told.hint ?? '', told.problems, told.more);
}

/**
 * @param {string} url
 * @param {Options} options
 * @returns {Promise<Response>}
 */
async function ask(url, { method = 'GET', body, headers = {}, signal }) {
  /** @type {Record<string, string>} */
  const sent = { ...headers };
  if (admin.token !== null) sent['x-mock-admin-token'] = admin.token;
  if (body !== undefined) sent['content-type'] ??= 'application/json';
  const text = body === undefined || typeof body === 'string' ? body : JSON.stringify(body);
  try {
    return await fetch(url, { method, headers: sent, body: text, signal, cache: 'no-store' });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw unanswered();
  }
}
