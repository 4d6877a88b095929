"""A real browser: the page of coverage fits a narrow screen. Skipped without Chromium."""

import re
import shutil
import subprocess
from html import escape
from pathlib import Path

import pytest

from mock_heidi.observing.coverage.all_points import all_points
from mock_heidi.observing.coverage.forms import to_html
from mock_heidi.observing.coverage.report import Report

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here"),
]

WIDTH = 360
# Shows a page in a frame, because a window of Chromium cannot be that narrow. Its title says how much is beside it.
FRAME = """<!doctype html><title>waiting</title><iframe width="{width}" height="600" srcdoc="{page}"></iframe>
<script>onload = () => {{
  const shown = document.querySelector("iframe").contentDocument.documentElement;
  document.title = "hidden " + (shown.scrollWidth - shown.clientWidth);
}}</script>"""


def hidden_width(page: str, folder: Path) -> int:
    """The pixels of a page that a frame of ``WIDTH`` pixels hides at its side, with all details open."""
    assert BROWSER is not None
    file = folder / "frame.html"
    file.write_text(FRAME.format(width=WIDTH, page=escape(page.replace("<details>", "<details open>"))), "utf-8")
    command = [
        BROWSER,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        f"--user-data-dir={folder / 'profile'}",
        "--virtual-time-budget=20000",
        "--dump-dom",
        file.as_uri(),
    ]
    shown = subprocess.run(command, capture_output=True, timeout=120, check=True)  # noqa: S603 - our own page
    found = re.search(r"<title>hidden (\d+)</title>", shown.stdout.decode())
    assert found is not None, shown.stdout[:200]
    return int(found[1])


@pytest.mark.parametrize("count", [0, 1_000_000], ids=["all is missing", "all is exercised"])
def test_the_page_of_coverage_does_not_scroll_sideways_on_a_telephone(tmp_path: Path, count: int) -> None:
    page = to_html(Report(dict.fromkeys(all_points(), count) if count else {}))

    hidden = hidden_width(page, tmp_path)

    assert hidden == 0
