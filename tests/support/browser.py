"""A headless Chromium for tests.

It runs in a thread of its own, because Playwright leaves a running loop in its thread. What the browser gives out is
wrapped: each call goes to that thread, with bare arguments.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, cast

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped] # it has no types
from playwright.sync_api import expect as playwright_expect
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    # The browser itself looks for its maker's hosts. Names below .test are this machine, for tests of other origins.
    "--host-resolver-rules=MAP *.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)
# The time in ms that a test waits for something of the page.
_PATIENCE = 15_000


class _Remote:
    """An object of the browser's thread."""

    def __init__(self, run: Callable[..., Any], value: Any) -> None:
        self.__dict__.update(_run=run, _value=value)

    def __getattr__(self, name: str) -> Any:
        return _wrapped(self._run, self._run(getattr, self._value, name))

    def __call__(self, *args: Any, **options: Any) -> Any:
        given = [_bare(arg) for arg in args], {name: _bare(value) for name, value in options.items()}
        return _wrapped(self._run, self._run(self._value, *given[0], **given[1]))

    def __enter__(self) -> Any:
        return _wrapped(self._run, self._run(self._value.__enter__))

    def __exit__(self, *error: object) -> None:
        self._run(self._value.__exit__, *error)


def _bare(value: Any) -> Any:
    return value.__dict__["_value"] if isinstance(value, _Remote) else value


def _wrapped(run: Callable[..., Any], value: Any) -> Any:
    if isinstance(value, list):
        return [_wrapped(run, one) for one in value]
    is_theirs = type(value).__module__.startswith("playwright.") or callable(value)
    return _Remote(run, value) if is_theirs else value


class ChromiumThread:
    """A browser in its thread. ``new_page`` opens a page with nothing kept from earlier ones."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="chromium")
        self._run(self._start)

    def _run(self, function: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return self._pool.submit(function, *args, **options).result()

    def _start(self) -> None:
        self._manager = sync_playwright()
        self._playwright: Playwright = self._manager.start()
        self._browser: Browser = self._playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))

    def close(self) -> None:
        self._run(self._browser.close)
        self._run(self._playwright.stop)
        self._pool.shutdown()

    def new_page(self, **options: Any) -> Page:
        """A page in a context of its own. ``options`` are those of Playwright's ``new_context``."""

        def make() -> Any:
            context = self._browser.new_context(**options)
            context.set_default_timeout(_PATIENCE)
            return context.new_page()

        return cast("Page", _wrapped(self._run, self._run(make)))

    def expect(self, locator: Locator) -> Any:
        """Playwright's ``expect``: its assertions wait."""
        playwright_expect.set_options(timeout=_PATIENCE)
        return _wrapped(self._run, self._run(playwright_expect, _bare(locator)))

    def violations(self, page: Page) -> list[str]:
        """The findings of axe on a page, a line each."""
        found = self._run(Axe().run, _bare(page)).response["violations"]
        return [f"{row['id']}: {node['html'][:200]}" for row in found for node in row["nodes"]]
