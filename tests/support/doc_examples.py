"""The parts of the docs that show files of the repository, such as the examples."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

from doc_markdown import Row, code, table
from paths import ROOT

EXAMPLES = ROOT / "examples"
# The files of each language in the order in which the page shows them; the last one is its tests.
FILES = {
    "python": ("heidi_client.py", "test_heidi_client.py"),
    "node": ("heidi-client.mjs", "mock-heidi.mjs", "heidi-client.test.mjs"),
    "ruby": ("heidi_client.rb", "test_heidi_client.rb"),
    "php": ("HeidiClient.php", "test.php"),
    "go": ("heidi_client.go", "heidi_client_test.go"),
    "java": ("HeidiClient.java", "Json.java", "HeidiClientTest.java"),
}
_KINDS = {".mjs": "javascript", ".py": "python", ".rb": "ruby", ".yml": "yaml"}


def examples() -> str:
    """The table of the examples with their files and the command that runs their tests."""
    return table(("Language", "Files", "Command"), _rows())


def _rows() -> Iterator[Row]:
    for folder, files in FILES.items():
        readme = (EXAMPLES / folder / "README.md").read_text(encoding="utf-8")
        (command,) = re.findall(r"```sh\n(.+)\n```", readme)
        links = [f"[{name}](../examples/{folder}/{name})" for name in files]
        yield readme.partition("\n")[0].removeprefix("# "), ", ".join(links), code(command)


def shown(name: str) -> Callable[[], str]:
    """A file of the repository as a fenced block."""
    path = ROOT / name
    kind = _KINDS.get(path.suffix, path.suffix.removeprefix("."))
    return lambda: f"```{kind}\n{_text(path)}```\n"


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8").expandtabs(4)  # the pages have no tabs, which Go uses


PARTS: dict[str, Callable[[], str]] = {
    "examples": examples,
    **{f"example-{folder}": shown(f"examples/{folder}/{files[-1]}") for folder, files in FILES.items()},
    "compose": shown("compose.yaml"),
    "github-actions": shown("examples/github-actions.yml"),
    "gitlab-ci": shown("examples/gitlab-ci.yml"),
}
