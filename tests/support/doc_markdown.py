"""Markdown as the generator writes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

Row = Sequence[str]


def table(heading: Row, rows: Iterable[Row], aligned: str = "") -> str:
    """A table in Markdown. ``aligned`` has a letter for each column: ``r`` for numbers, ``l`` otherwise."""
    marks = ["---:" if aligned[at : at + 1] == "r" else "---" for at in range(len(heading))]
    lines = [_line(heading), f"|{'|'.join(marks)}|", *map(_line, rows)]
    return "".join(f"{line}\n" for line in lines)


def _line(cells: Row) -> str:
    escaped = (cell.replace("|", "\\|") for cell in cells)
    return "".join(f"| {cell} " if cell else "| " for cell in escaped) + "|"


def code(text: object) -> str:
    """A text as code in Markdown; an empty text stays empty."""
    return f"`{text}`" if text != "" else ""
