"""The files of the dashboard as the server sends them: a file comes with what it imports, in one answer.

The files are small, so that a person can read them. A browser that had to ask for each would show its data later: some
fifty files cost more time than everything else.
"""

import json
import re
from functools import cache
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent
TYPES = {".css": "text/css", ".html": "text/html", ".js": "text/javascript", ".svg": "image/svg+xml"}
_PAGE_SCRIPT = _FOLDER / "parts" / "app.js"
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
    path = _FOLDER / name
    if path.suffix == ".js":
        return _joined(path)
    text = path.read_text(encoding="utf-8")
    return _STYLE.sub(lambda found: (path.parent / found[1]).read_text(encoding="utf-8"), text)


def _joined(script: Path) -> str:
    """A script with those that it imports, each in a function.

    Scripts share a table of modules, so that each module is made once. The page loads the scripts of views later than
    its own script, so these come without the modules that the page has.
    """
    there = _collect(_PAGE_SCRIPT, []) if script.parent.name == "views" else []
    modules = _collect(script, [])
    functions = [_function(module) for module in modules if module not in there]
    exported = ", ".join(_EXPORT.findall(script.read_text(encoding="utf-8")))
    last = f"export const {{ {exported} }} = $modules[{_key(script)}];\n"
    return "".join(["const $modules = (globalThis.$modules ??= {});\n", *functions, last])


def _collect(script: Path, found: list[Path]) -> list[Path]:
    """The scripts found so far, then those that the script imports, then the script."""
    if script not in found:
        for _, name in _IMPORT.findall(script.read_text(encoding="utf-8")):
            _collect((script.parent / name).resolve(), found)
        found.append(script)
    return found


def _function(module: Path) -> str:
    """The module as a function that returns what it exports."""

    def imported(found: re.Match[str]) -> str:
        return f"const {{{found[1].replace(' as ', ': ')}}} = $modules[{_key((module.parent / found[2]).resolve())}];"

    text = module.read_text(encoding="utf-8")
    body = _EXPORT.sub("", _IMPORT.sub(imported, text))
    return f"$modules[{_key(module)}] ??= (() => {{\n{body}return {{ {', '.join(_EXPORT.findall(text))} }};\n}})();\n"


def _key(script: Path) -> str:
    return json.dumps(script.relative_to(_FOLDER).as_posix())
