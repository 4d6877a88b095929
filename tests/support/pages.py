"""The README and the pages of ``docs``, parsed for tests: blocks, commands, tables, headings, links."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from paths import ROOT

_FENCED = re.compile(r"^```([\w{}]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_GENERATED = re.compile(r"(?<=^<!-- generated: ).*?(?=^<!-- end -->$)", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block of a page."""

    kind: str
    text: str
    line: int


class Command(NamedTuple):
    """A command of a console block, with the output that the page shows."""

    line: int
    text: str
    expected: str


class Page:
    """A page in Markdown."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.relative_to(ROOT).as_posix()
        self.text = path.read_text(encoding="utf-8")

    @cached_property
    def written(self) -> str:
        """The text with empty lines in place of what is generated."""
        return _GENERATED.sub(lambda match: "\n" * match[0].count("\n"), self.text)

    @cached_property
    def blocks(self) -> list[Block]:
        """The fenced blocks in order, except the files that the page shows, which have their own tests."""
        return [
            Block(match[1], match[2], self.written.count("\n", 0, match.start()) + 1)
            for match in _FENCED.finditer(self.written)
        ]

    @cached_property
    def commands(self) -> list[Command]:
        """The commands of all console blocks, in order."""
        found = []
        for block in self.blocks:
            for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:] if block.kind == "console" else ():
                command, _, expected = part.partition("\n")
                found.append(Command(block.line, command, expected.rstrip("\n")))
        return found

    @cached_property
    def prose(self) -> str:
        """The text without its blocks."""
        return _FENCED.sub("", self.text)

    @cached_property
    def anchors(self) -> set[str]:
        """The anchors of the headings, as code hosts make them."""
        anchors: set[str] = set()
        for heading in re.findall(r"^#+ (.*)$", self.prose, re.MULTILINE):
            plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).lower()
            anchor = re.sub(r"[^\w -]", "", plain).replace(" ", "-")
            numbered = (f"{anchor}-{number}" for number in range(1, 1_000))
            anchors.add(anchor if anchor not in anchors else next(one for one in numbered if one not in anchors))
        return anchors

    @cached_property
    def links(self) -> list[str]:
        """The targets of the links and images, except those in code."""
        return re.findall(r"\]\(([^)\s]+)\)", re.sub(r"`[^`\n]*`", "", self.prose))

    def rows(self, heading: str) -> list[list[str]]:
        """The cells of the rows of all tables with this heading."""
        tables = self.text.split(f"{heading}\n")[1:]
        assert tables, f"{self.name} has no table {heading}"
        lines = [line for table in tables for line in table.split("\n\n")[0].splitlines()[1:]]
        return [[cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]

    def section(self, title: str) -> str:
        """The text below a heading, up to the next heading of any level."""
        _, _, below = self.text.partition(f"# {title}\n")
        assert below, f"{self.name} has no section {title}"
        return re.split(r"^#", below, maxsplit=1, flags=re.MULTILINE)[0]


README = Page(ROOT / "README.md")
DOCS = [Page(path) for path in sorted((ROOT / "docs").glob("*.md"))]
PAGES = [README, *DOCS]
EVERYTHING = "\n".join(page.text for page in PAGES)


def page(name: str) -> Page:
    """A page of ``docs`` by its name, such as ``faults``."""
    return next(one for one in DOCS if one.path.stem == name)


def blocks(kind: str, wanted: Callable[[str], bool] = lambda _: True) -> list[tuple[Page, Block]]:
    """The blocks of a kind on all pages. A block that several pages show appears once."""
    found: dict[str, tuple[Page, Block]] = {}
    for one in PAGES:
        for block in one.blocks:
            if block.kind == kind and wanted(block.text):
                found.setdefault(block.text, (one, block))
    return list(found.values())
