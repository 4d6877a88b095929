"""A docstring says what a thing is or does. One that begins with a question word reads like a riddle."""

import ast
import re
from collections.abc import Iterator

from paths import ROOT

FOLDERS = ("mock_heidi", "tests", "benchmarks")
RIDDLE = re.compile(r"\W*(What|Whether|How|Why|Where|Whom?|Whose|Which|When|None|Nothing|Nobody|Whoever|That)\b")


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """The docstrings of a module, its classes, functions and attributes, each with its line."""
    for node in ast.walk(ast.parse(source)):
        body = getattr(node, "body", None)
        if not isinstance(body, list):
            continue
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        for number, statement in enumerate(body):
            if not (isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)):
                continue
            text = statement.value.value
            under = isinstance(body[number - 1], ast.Assign | ast.AnnAssign) if number else documented
            if isinstance(text, str) and under:
                yield statement.lineno, text


def riddles(source: str) -> list[int]:
    return sorted(line for line, text in docstrings(source) if RIDDLE.match(text))


def test_no_docstring_begins_with_a_question_word() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        for line in riddles(path.read_text(encoding="utf-8"))
    ]

    assert found == [], "begin with a noun, a verb or “True if”"


def test_every_kind_of_docstring_is_checked() -> None:
    source = '''"""What a module is."""

at = 1
"""Where it stands."""


class Thing:
    """
    Whose it is.
    """

    whole: bool
    """Whether it is whole."""

    async def made(self) -> None:
        """``How`` it is made."""
        self.at = 0
        """Which place it has."""


def plain() -> None:
    """However it is written, this is a sentence."""
'''

    assert riddles(source) == [1, 4, 8, 13, 16, 18]
