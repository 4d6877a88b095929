"""The load: the requests that are asked, in wrk's own language, and the numbers that come back."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any, NamedTuple

BASE = "/api/v2/ml-scribe/open-api"
PROFILES = "/patient-profiles"
CONNECTIONS = 16

# Requests in turn, all made before the first is sent; at the end one line to read.
_SCRIPT = """
local asked = {}
local at = 0
function init(args)
  for line in io.lines(args[1]) do
    local method, path, body = line:match("^(%S+) (%S+) ?(.*)$")
    asked[#asked + 1] = wrk.format(method, path, nil, body ~= "" and body or nil)
  end
end
function request()
  at = at % #asked + 1
  return asked[at]
end
function done(summary, latency, requests)
  local failed = summary.errors
  io.write(string.format("\\nRESULT %d %d %d\\n", summary.requests, summary.duration,
    failed.connect + failed.read + failed.write + failed.status + failed.timeout))
end
"""


class Asked(NamedTuple):
    """One request, below the API's base."""

    method: str
    path: str
    body: Any = None

    def line(self) -> str:
        text = "" if self.body is None else json.dumps(self.body)
        return f"{self.method} {BASE}{self.path} {text}".rstrip()


class LoadError(Exception):
    """A contestant that did not answer as it should."""


def ask(port: int, asked: Asked, headers: Mapping[str, str] | None = None, base: str = BASE) -> Any:
    """The JSON of one answer; :class:`LoadError` for any status but a success."""
    return json.loads(ask_bytes(port, asked, headers, base) or b"null")


def ask_bytes(port: int, asked: Asked, headers: Mapping[str, str] | None = None, base: str = BASE) -> bytes:
    """The bytes of one answer."""
    connection = HTTPConnection("127.0.0.1", port, timeout=120)
    try:
        return converse(connection, asked, headers, base)
    finally:
        connection.close()


def converse(
    connection: HTTPConnection, asked: Asked, headers: Mapping[str, str] | None = None, base: str = BASE
) -> bytes:
    """The bytes of one answer on a connection that stays open."""
    body = None if asked.body is None else json.dumps(asked.body).encode()
    kind = {} if body is None else {"Content-Type": "application/json"}
    connection.request(asked.method, base + asked.path, body, {**kind, **(headers or {})})
    response = connection.getresponse()
    content = response.read()
    if response.status not in range(200, 300):
        raise LoadError(f"{asked.method} {asked.path}: {response.status} {content[:200]!r}")
    return content


class Load:
    """wrk on a core of its own."""

    def __init__(self, folder: Path, core: int, warm: int = 1) -> None:
        """``warm``: seconds of load before what counts."""
        self._warm = warm
        self._script = folder / "asked.lua"
        self._script.write_text(_SCRIPT)
        self._lines = folder / "asked.txt"
        self._core = core

    def per_second(self, port: int, asked: Sequence[Asked], headers: Mapping[str, str], seconds: float) -> float:
        """Answers a second, after a while to warm up; :class:`LoadError` where any is not a success."""
        self._lines.write_text("\n".join(one.line() for one in asked) + "\n")
        if self._warm:
            self._run(port, headers, self._warm)
        answers, micros, failed = self._run(port, headers, max(1, seconds))  # wrk counts in whole seconds
        if failed or not answers:
            raise LoadError(f"{failed} of {answers} answers were none: {asked[0].method} {asked[0].path}")
        return answers * 1_000_000 / micros

    def _run(self, port: int, headers: Mapping[str, str], seconds: float) -> tuple[int, int, int]:
        command = ["taskset", "-c", str(self._core), "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds:g}s"]
        for name, value in headers.items():
            command += ["-H", f"{name}: {value}"]
        command += ["--timeout", "30s", "-s", str(self._script), f"http://127.0.0.1:{port}", "--", str(self._lines)]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        line = next((line for line in said.stdout.splitlines() if line.startswith("RESULT ")), None)
        if line is None:
            raise LoadError(f"wrk said nothing: {said.stderr.strip() or said.stdout.strip()}")
        answers, micros, failed = map(int, line.split()[1:])
        return answers, micros, failed


def profile(number: int) -> dict[str, Any]:
    """An invented patient, as a client sends one."""
    return {
        "ehr_patient_id": f"EHR-{number:06d}",
        "first_name": "Ada",
        "last_name": f"Sample{number}",
        "birth_date": f"19{number % 90 + 10}-0{number % 9 + 1}-1{number % 10}",
        "gender": ("FEMALE", "MALE", "OTHER")[number % 3],
        "phone": f"+61 400 {number:06d}",
        "email": f"ada.sample{number}@example.com",
        "demographic_string": "Woman, 45 years",
        "additional_context": "None known",
    }


def get_one(ids: Sequence[str]) -> list[Asked]:
    """Requests for each of these profiles."""
    return [Asked("GET", f"{PROFILES}/{one}") for one in ids]


def get_list(_: Sequence[str]) -> list[Asked]:
    """A request for all profiles."""
    return [Asked("GET", PROFILES)]


def get_filtered(ids: Sequence[str]) -> list[Asked]:
    """Requests for the profiles with the numbers below that of the ids."""
    return [Asked("GET", f"{PROFILES}?ehr_patient_id=EHR-{number:06d}") for number in range(len(ids))]


def post(_: Sequence[str]) -> list[Asked]:
    """A request that makes a profile."""
    return [Asked("POST", PROFILES, profile(1))]


def patch(ids: Sequence[str]) -> list[Asked]:
    """Requests that change each of these profiles."""
    changes = {"phone": "+61 400 999999", "additional_context": "Asthma"}
    return [Asked("PATCH", f"{PROFILES}/{one}", changes) for one in ids]
