"""Texts that try to deceive a person who reads the dashboard, and what a page must not do with them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOSTILE = '\u202e</textarea><img src=x onerror="window.hit=1"><script>window.hit=1</script>\u200b' + "W" * 700
"""Turns its text around, is markup, has a character without width, and does not fit into a line."""

# A field for values that a person types may hold any text. An id and `data-*` are for scripts.
_FOUND = """() => {
  const hidden = /[\\u202e\\u200b]/;
  const found = [];
  const texts = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const { data, parentElement } = texts.currentNode;
    if (hidden.test(data)) found.push(`hidden characters in ${parentElement.tagName} ${parentElement.className}`);
  }
  for (const name of ['title', 'aria-label', 'aria-valuetext', 'placeholder', 'alt', 'href', 'src']) {
    for (const element of document.querySelectorAll(`[${name}]`)) {
      if (hidden.test(element.getAttribute(name))) found.push(`hidden characters in ${name} of ${element.className}`);
    }
  }
  if (hidden.test(document.title)) found.push('hidden characters in the title');
  if (window.hit) found.push('a script ran');
  if (document.querySelector('main img, main script, [onerror]')) found.push('markup became an element');
  for (const element of [document.documentElement, document.querySelector('main')]) {
    if (element.scrollWidth > element.clientWidth) found.push(`${element.tagName} scrolls sideways`);
  }
  return [...new Set(found)];
}"""
_UNFOLD = """() => {
  for (let depth = 0; depth < 5; depth += 1) {
    for (const element of document.querySelectorAll('main details')) element.open = true;
  }
}"""


def poisoned(value: Any, path: str) -> Any:
    """A value with the hostile text after each text at a path such as ``audio.*.filename``."""
    first, _, rest = path.partition(".")
    if isinstance(value, str):
        return value + HOSTILE
    if isinstance(value, list):
        return [poisoned(one, rest) for one in value]
    if isinstance(value, dict) and first in value:
        return {**value, first: poisoned(value[first], rest)}
    return value


def deceptions(page: Page) -> list[str]:
    """What deceives, runs or does not fit on a page, with all that folds unfolded."""
    page.evaluate(_UNFOLD)
    # What unfolds draws itself when the browser has told it.
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    return list(page.evaluate(_FOUND))
