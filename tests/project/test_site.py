"""The site of the pages: it builds without a warning, and a browser loads nothing from other hosts."""

import re
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from pages import DOCS
from paths import ROOT
from running import run

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not all(find_spec(name) for name in ("sphinx", "myst_parser", "furo")), reason="the group docs is not installed"
    ),
]

# The attributes by which a page loads something, by tag; a link to another page loads nothing.
LOADS = {"script": "src", "link": "href", "img": "src", "source": "src", "iframe": "src", "object": "data"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, made as CONTRIBUTING.md says, with every warning an error."""
    target = tmp_path_factory.mktemp("site")
    ended = run("-m", "sphinx", "-W", "docs", str(target), command=(sys.executable,), cwd=ROOT, patience=120)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return target


class Tags(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, {name: value or "" for name, value in attrs}))


def tags(page: Path) -> list[tuple[str, dict[str, str]]]:
    return Tags(page.read_text(encoding="utf-8")).found


def loaded(site: Path) -> Iterator[tuple[Path, str]]:
    """Each address that the pages and the style sheets load, with the file that loads it."""
    for page in site.rglob("*.html"):
        for tag, attributes in tags(page):
            if attributes.get(LOADS.get(tag, "")):
                yield page, attributes[LOADS[tag]]
    for sheet in site.rglob("*.css"):
        for target in re.findall(r"(?:url\(|@import )[\"']?([^\"')]+)", sheet.read_text(encoding="utf-8")):
            if not target.startswith(("data:", "#")):
                yield sheet, target


def leads_to(file: Path, link: str) -> Path:
    return (file.parent / unquote(urlsplit(link).path)).resolve()


def test_the_command_is_the_one_that_contributors_read() -> None:
    assert "`.venv/bin/python -m sphinx -W docs site`" in (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_page_is_on_the_site(site: Path) -> None:
    assert {page.path.stem for page in DOCS} <= {page.stem for page in site.glob("*.html")}


def test_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    found = list(loaded(site))

    assert len(found) > len(DOCS)
    for file, link in found:
        assert not urlsplit(link).netloc, f"{file.name} loads {link}"
        assert leads_to(file, link).exists(), f"{file.name} loads {link}"


def test_every_link_to_a_file_leads_to_one(site: Path) -> None:
    for page in site.glob("*.html"):
        for tag, attributes in tags(page):
            link = attributes.get("href", "")
            if tag == "a" and urlsplit(link).path and not urlsplit(link).netloc:
                assert leads_to(page, link).exists(), f"{page.name}: {link}"


def test_the_tables_are_tables(site: Path) -> None:
    text = (site / "fault-reference.html").read_text(encoding="utf-8")

    assert text.count("<table") == len(
        re.findall(r"^\|---", (ROOT / "docs" / "fault-reference.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert "&lt;!--" not in text
