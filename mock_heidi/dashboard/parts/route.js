// Addresses of views: `#/requests/12?text=note`. Every view can be opened again by its address.

/** @typedef {{ view: string, rest: string[], query: URLSearchParams }} Route */

/**
 * The parts of an address.
 *
 * @param {string} hash
 * @returns {Route}
 */
export function parse(hash) {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [view, ...rest] = path.split('/').filter(Boolean).map(decoded);
  return { view: view || 'now', rest, query: new URLSearchParams(query) };
}

/** @param {string} text */
function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The address of a view. Empty values of the query are left out.
 *
 * @param {(string | number)[]} parts the view, then what it shows
 * @param {Record<string, string | number | null | undefined>} query
 * @returns {string}
 */
export function address(parts, query = {}) {
  const given = Object.entries(query).filter(([, value]) => value !== '' && value !== null && value !== undefined);
  const text = new URLSearchParams(given.map(([name, value]) => [name, String(value)])).toString();
  return `#/${parts.map((part) => encodeURIComponent(part)).join('/')}${text && `?${text}`}`;
}

/** The present route. */
export function current() {
  return parse(location.hash);
}

/**
 * Opens an address. With `replace`, the browser's history does not grow.
 *
 * @param {string} to
 * @param {{ replace?: boolean }} options
 */
export function go(to, { replace = false } = {}) {
  if (to === location.hash) return;
  if (replace) {
    history.replaceState(null, '', to);
    window.dispatchEvent(new HashChangeEvent('hashchange'));
  } else {
    location.hash = to;
  }
}
