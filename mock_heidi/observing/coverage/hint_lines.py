"""A hint as a line of Python and as a command: calls of the API, faults, replies, delayed work."""

from __future__ import annotations

import json
import shlex
from typing import Any, NamedTuple
from urllib.parse import urlencode

from mock_heidi.observing.coverage.example_calls import ExampleCall

BEARER = '"Authorization: Bearer $(mock-heidi token)"'
_CONTROL = '"$MOCK_HEIDI_URL/ns/$MOCK_HEIDI_NAMESPACE/_mock'
_JSON_TYPE = "-H 'Content-Type: application/json'"


class Hint(NamedTuple):
    """The way to exercise a point."""

    python: str
    command: str


def call(made: ExampleCall) -> Hint:
    """A call of the API."""
    return Hint(_python_call(made), curl_command(made))


def both(first: Hint, second: Hint) -> Hint:
    """Two calls of the API, one after the other."""
    return Hint(f"{first.python}, {second.python}", f"{first.command} && {second.command}")


def fault(operation: str, **fields: Any) -> Hint:
    """A fault that the next call of the operation meets."""
    rule = {**fields, "times": 1}
    arguments = ", ".join([f'"{operation}"', *(f"{name}={python_value(value)}" for name, value in rule.items())])
    short = ",".join(name if value is True else f"{name}={value}" for name, value in rule.items())
    return Hint(f"heidi.fault({arguments})", f"mock-heidi fault add {operation}:{short}")


def reply(operation: str, body: Any) -> Hint:
    """An answer that the test sets."""
    python = f'heidi.reply("{operation}", times=1, body={python_value(body)})'
    return Hint(python, control_command("POST", "/replies", {"operation": operation, "times": 1, "body": body}))


def delayed(work: str) -> Hint:
    """Work that is done after the first read."""
    body = {work: {"after_reads": 1}}
    return Hint(
        f'heidi.control("PUT", "/transitions", {python_value(body)})', control_command("PUT", "/transitions", body)
    )


def python_value(value: Any) -> str:
    """A JSON value as Python, with double quotes."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{json.dumps(key)}: {python_value(item)}' for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(python_value, value))}]"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)


def control_command(method: str, path: str, body: Any) -> str:
    return f'curl -X {method} {_CONTROL}{path}" {_JSON_TYPE} -d {shlex.quote(json.dumps(body))}'


def _python_call(made: ExampleCall) -> str:
    arguments = [f'"{made.path}"']
    if made.query:
        arguments.append(f"params={python_value(made.query)}")
    if made.signs_in:
        arguments.append('headers={"Heidi-Api-Key": heidi.api_key}')
    if made.file is not None:
        arguments.append(f'files={{"{made.file}": {_python_file(made.file)}}}')
        if made.body:
            arguments.append(f"data={python_value(made.body)}")
    elif made.body is not None:
        arguments.append(f"json={python_value(made.body)}")
    method = made.method.lower()
    if made.method == "DELETE" and made.body is not None:
        method, arguments = "request", ['"DELETE"', *arguments]  # httpx has no body for delete()
    return f"client.{method}({', '.join(arguments)})"


def _python_file(part: str) -> str:
    return '("a.wav", heidi.audio(1), "audio/wav")' if part == "file" else '("a.pdf", b"%PDF-1.4", "application/pdf")'


def curl_command(made: ExampleCall) -> str:
    query = f"?{urlencode(made.query)}" if made.query else ""
    credential = '"Heidi-Api-Key: $HEIDI_API_KEY"' if made.signs_in else BEARER
    words = ["curl", "-X", made.method, f'"$HEIDI_BASE_URL{made.path}{query}"', "-H", credential]
    if made.file is not None:
        source, form = _piped_file(made.file)
        texts = [shlex.quote(f"{name}={value}") for name, value in (made.body or {}).items()]
        return " ".join([source, "|", *words, *(f"-F {one}" for one in (form, *texts))])
    if made.body is not None:
        words += [_JSON_TYPE, "-d", shlex.quote(json.dumps(made.body))]
    return " ".join(words)


def _piped_file(part: str) -> tuple[str, str]:
    """The command that writes a file, and the part that reads it."""
    if part == "file":
        return "mock-heidi audio --seconds 1 -", "'file=@-;filename=a.wav;type=audio/wav'"
    return "printf '%%PDF-1.4'", f"'{part}=@-;filename=a.pdf;type=application/pdf'"
