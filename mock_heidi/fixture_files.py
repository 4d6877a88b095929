"""Fixture files as documents: a folder with a file for each kind, or one file with a list for each kind."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from mock_heidi import spec
from mock_heidi.fixture_documents import Document, FixtureError
from mock_heidi.fixture_kinds import KINDS, OWNED
from mock_heidi.wording import nearest

if TYPE_CHECKING:
    from mock_heidi.yaml_text import YamlText


def read_files(path: Path) -> dict[str, Document]:
    """The documents of a folder or of one file, by kind. Raises :class:`FixtureError`."""
    return _read_file(path) if path.is_file() else _read_folder(path)


@cache
def packaged(kind: str) -> Document:
    """A file of the packaged set, read once in a process."""
    return _with_records(_document(spec.data("fixtures") / f"{kind}.yaml"))._replace(packaged=True)


def _read_folder(folder: Path) -> dict[str, Document]:
    """The files of a folder. Patients and sessions, of which there may be many, are read later, one by one."""
    try:
        files = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml"))
    except (OSError, ValueError) as error:  # a ValueError for a name that no file can have
        reason = getattr(error, "strerror", None) or error
        hint = "give a folder of YAML files, or one file that holds all kinds"
        raise FixtureError([f"fixtures: cannot read {folder}: {reason}; {hint}"]) from None
    problems = _misnamed(files)
    try:
        if not problems:
            return {path.stem: _document(path) for path in files}
    except FixtureError:
        pass  # the error below names it too, with the problems of the other files
    raise FixtureError([one for path in files for one in problems.get(path) or _text(path).problems()])


def _misnamed(files: Iterable[Path]) -> dict[Path, list[str]]:
    problems: dict[Path, list[str]] = {}
    found: set[str] = set()
    for path in files:
        if path.stem not in KINDS:
            problems[path] = [f"{path}:1: file: not a fixture file; {nearest(path.stem, KINDS, 1)}"]
        elif path.stem in found:
            problems[path] = [f"{path}:1: file: {path.stem} is there twice, as .yaml and .yml; remove one"]
        found.add(path.stem)
    return problems


def _read_file(path: Path) -> dict[str, Document]:
    """The documents of one file that holds a list for each kind, as an exported state does.

    The file is read whole, so a folder is better for a hundred thousand records.
    """
    text = _text(path)
    kinds = text.values()
    if not isinstance(kinds, dict):
        hint = f"write a list under each kind: {', '.join(KINDS)}"
        raise FixtureError([f"{path}:1: file: should map kinds to lists of records; {hint}"])
    given = {kind: Document(kind, str(path), rows, text, top=(kind,)) for kind, rows in kinds.items()}
    unknown = [document for kind, document in given.items() if kind not in KINDS]
    if unknown:
        raise FixtureError([f"{one.places([()])[()]}: {unknown_kind(one.kind)}" for one in unknown])
    return given


def unknown_kind(kind: str) -> str:
    """The problem with a kind of record that fixtures cannot hold."""
    return f"unknown kind of record; {nearest(kind, KINDS, 1)}"


def _document(path: Path) -> Document:
    text = _text(path)
    document = Document(path.stem, str(path), text, text)
    return document if path.stem in OWNED else _with_records(document)


def _text(path: Path) -> YamlText:
    from mock_heidi.yaml_text import YamlText

    return YamlText(path, str(path))


def _with_records(document: Document) -> Document:
    """The same document, its records read."""
    values = document.read()
    return document._replace(records=list(values) if isinstance(values, Iterator) else values)
