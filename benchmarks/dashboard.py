"""The dashboard in a browser: its first paint with data, its frames while requests come in, and what it costs."""

from __future__ import annotations

import math
import os
import shutil
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from itertools import pairwise
from typing import Any

from benchmarks.contestants import Running, running
from benchmarks.loads import PROFILES, Asked, LoadError, converse, get_one
from benchmarks.measures import Bench, Figures
from mock_heidi.control.events import STAY

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
REQUESTS = 500
"""The requests a second that come in while frames are counted."""
_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
# The processes of a quiet browser use fewer seconds of CPU time than this in a fifth of a second.
_QUIET = 0.01
# Notes the moment when a row, or the base URL, is drawn: the next frame after it is in the page.
_PAINT = """
new MutationObserver((_, observer) => {
  if (!document.querySelector('%s')) return;
  observer.disconnect();
  requestAnimationFrame(() => setTimeout(() => { document.documentElement.dataset.painted = performance.now(); }));
}).observe(document, { childList: true, subtree: true });
"""
# The moments of all frames of some seconds.
_FRAMES = """
(seconds) => new Promise((resolve) => {
  const moments = [];
  const frame = (now) => {
    moments.push(now);
    if (now - moments[0] < seconds * 1000) requestAnimationFrame(frame);
    else resolve(moments);
  };
  requestAnimationFrame(frame);
})
"""


@contextmanager
def _browser() -> Iterator[Any]:
    if CHROMIUM is None:
        raise LoadError("there is no Chromium here; on Debian, install chromium")
    from playwright.sync_api import Error, sync_playwright  # noqa: PLC0415 - only for these workloads

    # A browser has many processes, and nobody keeps them to one core.
    core = os.sched_getaffinity(0)
    os.sched_setaffinity(0, range(os.cpu_count() or 1))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(_FLAGS))
        os.sched_setaffinity(0, core)
        try:
            yield browser
        except Error as error:
            raise LoadError(error.message.partition("\n")[0]) from None
        finally:
            browser.close()


def _wait_for_windows(browser: Any) -> None:
    """Waits until the open windows are complete.

    A new window loads pages of the browser itself, such as the one below its address bar. They keep the cores busy for
    about a second, and a person opens the dashboard in a window that is there already.
    """
    session = browser.new_browser_cdp_session()
    before, now = -math.inf, 0.0
    while now - before > _QUIET:
        time.sleep(0.2)
        before, now = now, sum(each["cpuTime"] for each in session.send("SystemInfo.getProcessInfo")["processInfo"])
    session.detach()


def _address(contestant: Running, view: str) -> str:
    return f"http://127.0.0.1:{contestant.port}/_mock/#/{view}"


def paint(view: str, wanted: str, requests: int, bench: Bench) -> Figures:
    """The time (ms) from the opening of a view to the paint of its data, with so many requests in the journal."""
    options = ("--entries", str(max(requests, 1)))
    with running("long_journal", bench.cores.server, options) as contestant, _browser() as browser:
        connection = HTTPConnection("127.0.0.1", contestant.port)
        for _ in range(requests):
            converse(connection, Asked("GET", PROFILES), contestant.headers)
        connection.close()
        taken = []
        for _ in range(max(3, bench.repeats)):
            page = browser.new_context().new_page()
            page.add_init_script(_PAINT % wanted)
            _wait_for_windows(browser)
            page.goto(_address(contestant, view))
            taken.append(float(page.locator("html[data-painted]").get_attribute("data-painted")))
            page.context.close()
    return {"time": statistics.median(taken)}


def frames(view: str, bench: Bench) -> Figures:
    """The frames a second of a view while requests come in, and the share of frames that take longer than two."""
    with running("mock_heidi", bench.cores.server) as contestant, _browser() as browser:
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.goto(_address(contestant, view))
        page.wait_for_selector("#live[data-state=live]")
        with _steady(contestant):
            moments = page.evaluate(_FRAMES, max(2, bench.seconds))
    gaps = [after - before for before, after in pairwise(moments)]
    late = sum(gap > 2 * 1000 / 60 for gap in gaps)
    return {"rate": 1000 / statistics.mean(gaps), "late": 100 * late / len(gaps)}


@contextmanager
def _steady(contestant: Running) -> Iterator[None]:
    """Sends requests at an even pace meanwhile. Raises :class:`LoadError` if the pace was not kept."""
    ended = threading.Event()
    counted = [0, 0.0]

    def send() -> None:
        connection = HTTPConnection("127.0.0.1", contestant.port)
        begun = time.perf_counter()
        while not ended.is_set():
            converse(connection, Asked("GET", PROFILES), contestant.headers)
            counted[0] += 1
            ended.wait(max(0.0, begun + counted[0] / REQUESTS - time.perf_counter()))
        counted[1] = time.perf_counter() - begun
        connection.close()

    thread = threading.Thread(target=send)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    if counted[0] < 0.9 * REQUESTS * counted[1]:
        raise LoadError(f"only {counted[0] / counted[1]:.0f} requests a second were sent, not {REQUESTS}")


def rate_after_a_look(looks: int, bench: Bench) -> Figures:
    """Requests a second when nobody looks any more, after the dashboard was opened and closed so often."""
    with running("mock_heidi", bench.cores.server, ("--fixtures", "empty")) as contestant:
        for _ in range(looks):
            with _browser() as browser:
                page = browser.new_page()
                page.goto(_address(contestant, "requests"))
                page.wait_for_selector("#live[data-state=live]")
        # The server records events a moment longer, for a page that comes back.
        time.sleep(STAY + 1 if looks else 0)
        asked = get_one([contestant.ask(Asked("POST", PROFILES, {"first_name": "Ada"}))["data"]["id"]])
        return {"rate": bench.load.per_second(contestant.port, asked, contestant.headers, bench.seconds)}
