"""The pages of ``docs`` as the reference shows them: HTML without scripts, and sections for the search."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import pairwise
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from mock_heidi.base import spec

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

# Comments say which parts are generated. Markdown without HTML would show them.
_COMMENT = re.compile(r"^<!--.*?-->\n?", re.MULTILINE)
# Links out of ``docs`` to what the server itself shows.
_ELSEWHERE = {
    "../openapi.yaml": "#/api",
    "../control.yaml": "#/control",
    "../mock_heidi/base/assumptions.yaml": "./#/assumptions",
}


class Section(NamedTuple):
    """A heading with the text below it, up to the next heading. The first section has the title of the page."""

    id: str
    title: str
    level: int
    text: str


class DocPage(NamedTuple):
    """A page of ``docs``."""

    title: str
    sections: tuple[Section, ...]
    html: str


@cache
def names() -> tuple[str, ...]:
    """The names of the pages, in the order of the contents in ``index.md``."""
    index = (spec.data("docs") / "index.md").read_text(encoding="utf-8")
    _, _, contents = index.partition("```{toctree}\n:hidden:\n")
    return ("index", *contents.partition("```")[0].split())


@cache
def page(name: str) -> DocPage:
    """A page by one of the ``names``."""
    text = (spec.data("docs") / f"{name}.md").read_text(encoding="utf-8")
    reader = _reader()
    tokens = [token for token in reader.parse(_COMMENT.sub("", text)) if not token.info.startswith("{")]
    for token, anchor in zip(_headings(tokens), _anchors(tokens), strict=True):
        token.attrSet("id", anchor)
    for token in tokens:
        token.children = list(_linked(token.children or [], name))
        # The policy of our pages forbids the attribute style.
        if token.attrs.pop("style", None) == "text-align:right":
            token.attrSet("class", "number")
    sections = tuple(_sections(tokens))
    return DocPage(sections[0].title, sections, reader.renderer.render(tokens, reader.options, {}))


@cache
def _reader() -> MarkdownIt:
    from markdown_it import MarkdownIt

    return MarkdownIt("commonmark", {"html": False}).enable("table")


def _headings(tokens: Sequence[Token]) -> list[Token]:
    return [token for token in tokens if token.type == "heading_open"]


def _anchors(tokens: Sequence[Token]) -> Iterator[str]:
    """The anchor of each heading, as code hosts make them."""
    used: set[str] = set()
    for token, content in pairwise(tokens):
        if token.type == "heading_open":
            plain = re.sub(r"[^\w -]", "", _text(content).lower()).replace(" ", "-")
            numbered = (f"{plain}-{number}" for number in range(1, len(tokens)))
            anchor = plain if plain not in used else next(one for one in numbered if one not in used)
            used.add(anchor)
            yield anchor


def _linked(tokens: Sequence[Token], name: str) -> Iterator[Token]:
    """The parts of a text, with the links of the reference. A link to what is not served becomes its text.

    A picture is left out: it shows what the person who reads here can open.
    """
    is_kept = True
    for token in tokens:
        if token.type == "link_open":
            target = _target(str(token.attrGet("href")), name)
            is_kept = target is not None
            token.attrSet("href", target or "")
        if token.type != "image" and (is_kept or token.type not in ("link_open", "link_close")):
            yield token


def _target(link: str, name: str) -> str | None:
    """The address of a link of a page, or None if the server does not show what it leads to."""
    path, _, anchor = link.partition("#")
    if path.startswith(("https:", "http:")):
        return link
    if path and not path.endswith(".md"):
        return _ELSEWHERE.get(path)
    shown = PurePosixPath(path).stem if path else name
    return f"#/guide/{shown}/{anchor}" if anchor else f"#/guide/{shown}"


def _sections(tokens: Sequence[Token]) -> Iterator[Section]:
    starts = [index for index, token in enumerate(tokens) if token.type == "heading_open"]
    for start, end in zip(starts, [*starts[1:], len(tokens)], strict=True):
        heading, title, *below = tokens[start:end]
        text = " ".join(filter(None, map(_text, below)))
        yield Section(str(heading.attrGet("id")), _text(title), int(heading.tag[1:]), text)


def _text(token: Token) -> str:
    """The text of a token without its marks."""
    if token.children:
        return "".join(" " if child.type == "softbreak" else child.content for child in token.children)
    return token.content.strip()
