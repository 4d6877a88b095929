"""The files of the dashboard as the server sends them: a file comes with what it imports, in one answer.

The files are small, so that a person can read them. A browser that asks for each of some fifty files needs about twice
the time until it shows data.
"""

import re
from functools import cache
from pathlib import Path
from posixpath import dirname, join, normpath

_FOLDER = Path(__file__).resolve().parent
TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
_PAGE_SCRIPT = "parts/app.js"
_STYLE = re.compile(r'^@import "([\w-]+\.css)";', re.MULTILINE)
# The scripts import and export only in these forms, at the beginning of a line.
_IMPORT = re.compile(r"^import \{([^}]*)\} from '(\.[\w./-]+)';", re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const) (\w+))", re.MULTILINE)


@cache
def names() -> frozenset[str]:
    """The files of the dashboard, as paths below its folder."""
    files = (path for path in _FOLDER.rglob("*") if path.suffix in TYPES)
    return frozenset(path.relative_to(_FOLDER).as_posix() for path in files)


def content(name: str) -> str:
    """The text of a file. A style sheet or a script contains those that it imports."""
    if name.endswith(".js"):
        return _joined(name)
    return _STYLE.sub(lambda found: _read(_beside(name, found[1])), _read(name))


def _read(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _beside(name: str, relative: str) -> str:
    """The file with that address relative to another file."""
    return normpath(join(dirname(name), relative))


def _joined(script: str) -> str:
    """A script with those that it imports, each in a function.

    Scripts share a table of modules, so that each module is made once. The page loads the scripts of views later than
    its own script, so these come without the modules that the page has.
    """
    there = _collect(_PAGE_SCRIPT, {}) if script.startswith("views/") else {}
    modules = _collect(script, {})
    functions = [_function(name, text) for name, text in modules.items() if name not in there]
    exported = ", ".join(_EXPORT.findall(modules[script]))
    last = f'export const {{ {exported} }} = $modules["{script}"];\n'
    return "".join(["const $modules = (globalThis.$modules ??= {});\n", *functions, last])


def _collect(script: str, found: dict[str, str]) -> dict[str, str]:
    """The texts of the scripts found so far, then of those that the script imports, then of the script."""
    if script not in found:
        text = _read(script)
        for _, relative in _IMPORT.findall(text):
            _collect(_beside(script, relative), found)
        found[script] = text
    return found


def _function(name: str, text: str) -> str:
    """The module as a function that returns what it exports."""

    def imported(found: re.Match[str]) -> str:
        return f'const {{{found[1].replace(" as ", ": ")}}} = $modules["{_beside(name, found[2])}"];'

    body = _EXPORT.sub("", _IMPORT.sub(imported, text))
    return f'$modules["{name}"] ??= (() => {{\n{body}return {{ {", ".join(_EXPORT.findall(text))} }};\n}})();\n'
