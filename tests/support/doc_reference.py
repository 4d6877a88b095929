"""The page with the Python reference, made from signatures and docstrings."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from types import ModuleType

from mock_heidi import app, pytest_plugin
from mock_heidi.base import settings
from mock_heidi.client import addresses, client_errors, event_stream, handle, proxies, server_thread
from mock_heidi.content import recordings

_HEAD = """# Python reference

Made from the docstrings by `python tests/support/generate.py`. [pytest](pytest.md) and
[without pytest](without-pytest.md) show how these are used.
"""
_OWN = """
`from mock_heidi import MockHeidi, create_app, audio`
"""
_PLUGIN = """
The plugin is installed with the package. [pytest](pytest.md) has its marker and its options.
"""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def text() -> str:
    """The whole page."""
    parts = [
        _HEAD,
        "\n## The package\n",
        _OWN,
        *_class(server_thread, "MockHeidi"),
        *_function(app, "create_app"),
        *_function(recordings, "audio"),
        "\n## What a handle is\n",
        *_class(handle, "Handle", *members(_node(addresses, "Addresses"))),
        *_class(proxies, "StateProxy"),
        *_class(proxies, "ClockProxy"),
        *_class(proxies, "FaultsProxy"),
        *_class(event_stream, "EventStream"),
        "\n## Exceptions\n",
        *_class(client_errors, "MockHeidiError"),
        *_class(client_errors, "NoAnswerError"),
        *_class(settings, "ConfigError"),
        "\n## pytest fixtures\n",
        _PLUGIN,
        *(part for name in fixtures() for part in _function(pytest_plugin, name, is_fixture=True)),
    ]
    return "".join(parts)


def fixtures() -> list[str]:
    """The names of the plugin's fixtures."""
    functions = [node for node in _tree(pytest_plugin).body if isinstance(node, ast.FunctionDef)]
    return [node.name for node in functions if any("fixture" in ast.unparse(one) for one in node.decorator_list)]


def _tree(module: ModuleType) -> ast.Module:
    return ast.parse(inspect.getsource(module))


def _function(module: ModuleType, name: str, *, is_fixture: bool = False) -> Iterator[str]:
    (node,) = [one for one in _tree(module).body if isinstance(one, ast.FunctionDef) and one.name == name]
    yield f"\n### {name}\n"
    if not is_fixture:
        yield f"\n`{signature(node)}`\n"
    yield markdown(node)


def _node(module: ModuleType, name: str) -> ast.ClassDef:
    (node,) = [one for one in _tree(module).body if isinstance(one, ast.ClassDef) and one.name == name]
    return node


def _class(module: ModuleType, name: str, *inherited: tuple[str, str, str]) -> Iterator[str]:
    node = _node(module, name)
    yield f"\n### {name}\n"
    made = [one for one in node.body if isinstance(one, ast.FunctionDef) and one.name == "__init__"]
    if made and _is_public(module, name):
        yield f"\n`{signature(made[0], name)}`\n"
    yield markdown(node)
    for member, heading, explained in (*inherited, *members(node)):
        yield f"\n#### {name}.{member}\n\n`{heading}`\n{explained}"


def _is_public(module: ModuleType, name: str) -> bool:
    """True if users create objects of this class themselves."""
    return (module, name) == (server_thread, "MockHeidi")


def members(node: ast.ClassDef) -> Iterator[tuple[str, str, str]]:
    """The public attributes, properties and methods of a class: each one's name, its signature, its docstring."""
    for at, one in enumerate(node.body):
        if isinstance(one, Function):
            if one.name == "__init__":
                yield from _attributes(one)
            elif not one.name.startswith("_"):
                yield one.name, signature(one), markdown(one)
        elif isinstance(one, ast.AnnAssign) and (explained := _below(node.body, at)):
            yield ast.unparse(one.target), f"{ast.unparse(one.target)}: {ast.unparse(one.annotation)}", explained


def _attributes(init: Function) -> Iterator[tuple[str, str, str]]:
    """The attributes that ``__init__`` sets and explains."""
    for at, one in enumerate(init.body):
        if isinstance(one, ast.Assign) and (explained := _below(init.body, at)):
            first = one.targets[0].elts[0] if isinstance(one.targets[0], ast.Tuple) else one.targets[0]
            name = ast.unparse(first).removeprefix("self.")
            if not name.startswith("_"):
                yield name, name, explained


def _below(body: list[ast.stmt], at: int) -> str:
    """The docstring under an assignment, or an empty text."""
    below = body[at + 1] if at + 1 < len(body) else None
    if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) and isinstance(below.value.value, str):
        return to_markdown(below.value.value)
    return ""


def signature(node: Function, name: str = "") -> str:
    """A function with its arguments and what it returns, without ``self``; a property as an attribute."""
    decorators = {ast.unparse(one) for one in node.decorator_list}
    returns = ast.unparse(node.returns) if node.returns else ""
    if "property" in decorators:
        return f"{node.name}: {returns}"
    arguments = [*_arguments(node.args)]
    if arguments[:1] in (["self"], ["cls"]):
        del arguments[0]
    return f"{name or node.name}({', '.join(arguments)})" + (f" -> {returns}" if returns and not name else "")


def _arguments(given: ast.arguments) -> Iterator[str]:
    """The arguments of a function as written in the code; ``ast.unparse`` would space them differently."""
    by_place = [*given.posonlyargs, *given.args]
    defaults = [None] * (len(by_place) - len(given.defaults)) + given.defaults
    for number, (one, default) in enumerate(zip(by_place, defaults, strict=True), 1):
        yield _argument(one, default)
        if number == len(given.posonlyargs):
            yield "/"
    if given.vararg or given.kwonlyargs:
        yield f"*{_argument(given.vararg, None) if given.vararg else ''}"
    for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True):
        yield _argument(one, default)
    if given.kwarg:
        yield f"**{_argument(given.kwarg, None)}"


def _argument(one: ast.arg, default: ast.expr | None) -> str:
    typed = ast.unparse(one)
    if default is None:
        return typed
    value = ast.unparse(default).replace("'", '"')
    return f"{typed} = {value}" if one.annotation else f"{typed}={value}"


def markdown(node: Function | ast.ClassDef) -> str:
    """The docstring as Markdown after an empty line, or an empty text if there is none."""
    return to_markdown(ast.get_docstring(node) or "")


def to_markdown(docstring: str) -> str:
    """A docstring as Markdown: reST's literals and roles as code, examples as code blocks."""
    cleaned = inspect.cleandoc(docstring)
    if not cleaned:
        return ""
    cleaned = re.sub(r":\w+:`~?([^`]+)`", r"`\1`", cleaned.replace("``", "`"))
    paragraphs = [_paragraph(one) for one in cleaned.split("\n\n")]
    return "\n" + "\n\n".join(paragraphs) + "\n"


def _paragraph(words: str) -> str:
    if words.startswith(">>>"):
        return textwrap.indent(words, "    ")
    return words if words.startswith(("-", " ")) else " ".join(words.split())
