"""The judges of the contracts. They read openapi.yaml, control.yaml and the list of assumptions, and no code of ours.

This module is a pytest plugin that checks every test: each response of the API or the control API that a test
receives from an application in this process, directly or over a socket, must keep the contract, or the test fails.
"""

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from jsonschema.exceptions import best_match  # type: ignore[import-untyped]
from paths import OPENAPI
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

CONTROL = OPENAPI.with_name("control.yaml")
ASSUMPTIONS = OPENAPI.with_name("mock_heidi") / "base" / "assumptions.yaml"

Contract = dict[str, Any]

_URI = "urn:contract"
_NAMESPACE = re.compile(r"(?!\.+$)[A-Za-z0-9._-]{1,64}")
# Paths that the server answers itself, outside the vendor's API.
_REDIRECT = 307
_PAGES: tuple[list[str], ...] = (["docs"], ["openapi.json"], ["openapi.yaml"])
_OWN_PATHS: tuple[list[str], ...] = ([], ["livez"], ["readyz"], ["favicon.ico"], *_PAGES)
_NOT_FOUND = {"detail": "Not Found"}
_NOT_ALLOWED = {"detail": "Method Not Allowed"}
_SHOWN = 5
_STREAM = "text/event-stream"
_LINES = "application/x-ndjson"
_STREAM_WITH_CHARSET = "text/event-stream; charset=utf-8"
_EVENT_BEGINS = b'data: {"data": '
_EVENT_ENDS = b"}"
# The text of a piece may contain braces.
_OBJECT = re.compile(rb'(\{"data": "(?:[^"\\]|\\.)*"\})')
# An event as the control API sends it.
_NAMED_EVENT = re.compile(rb"id: \d+\nevent: (\w+)\ndata: ([^\n]*)")


@cache
def contract_text(path: Path) -> bytes:
    """The bytes of a contract."""
    return path.read_bytes()


def load_contract(path: Path = OPENAPI) -> Contract:
    """A fresh copy of a contract, to read or to break."""
    contract: Contract = load_yaml(contract_text(path))
    return contract


def load_yaml(text: bytes) -> Any:
    """The value of a YAML text."""
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


class Operation(NamedTuple):
    """One method of one path."""

    method: str
    path: str
    spec: dict[str, Any]

    @property
    def name(self) -> str:
        return str(self.spec["operationId"])


def operations(contract: Contract) -> Iterator[Operation]:
    """Every operation of a contract, in the order of the file."""
    for path, item in contract["paths"].items():
        for method, spec in item.items():
            if method in ("get", "put", "post", "delete", "options", "head", "patch", "trace"):
                yield Operation(method.upper(), path, spec)


def resolve(contract: Contract, value: Any) -> Any:
    """The target of a ``$ref``; any other node unchanged. Keys beside a ``$ref`` are ignored."""
    while isinstance(value, dict) and "$ref" in value:
        target: Any = contract
        for step in value["$ref"].removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        value = target
    return value


def nodes(value: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object of a contract with its place, without the values of examples."""
    if isinstance(value, dict):
        yield path, value
        for key, item in value.items():
            if key not in ("example", "value"):
                yield from nodes(item, f"{path}/{key}")
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from nodes(item, f"{path}/{index}")


class Exchange(NamedTuple):
    """The parts of a request that the contract needs, and its complete answer."""

    method: str
    path: str
    preflight: bool
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    assumed: tuple[tuple[str, Any], ...] = ()
    """The assumptions of its namespace that differ from the defaults."""


def _split(path: str) -> list[str]:
    return [segment for segment in path.split("/") if segment]


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key stands there twice")
    return dict(pairs)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no JSON")


def parse(body: bytes) -> Any:
    """The value of a JSON text, read strictly. Raises ValueError for any other text."""
    return json.loads(body.decode(), object_pairs_hook=_distinct, parse_constant=_no_constant)


class Judge:
    """Compares answers with a contract."""

    def __init__(self, contract: Contract) -> None:
        self.contract = contract
        resource = Resource.from_contents(contract, default_specification=DRAFT202012)
        self._registry: Registry[Any] = Registry().with_resource(_URI, resource)
        self._validators: dict[int, Any] = {}

    @cached_property
    def _base(self) -> list[str]:
        return _split(self.contract["servers"][0]["url"])

    @cached_property
    def _patterns(self) -> list[tuple[re.Pattern[str], str, list[Operation]]]:
        """The paths as patterns. Those with the most literal text come first."""
        by_path: dict[str, list[Operation]] = {}
        for operation in operations(self.contract):
            by_path.setdefault(operation.path, []).append(operation)
        rows = []
        for path, listed in by_path.items():
            parts = re.split(r"\{\w+\}", path)
            pattern = re.compile("[^/]+".join(map(re.escape, parts)))
            rows.append((len(parts), -sum(map(len, parts)), pattern, path, listed))
        rows.sort(key=lambda row: row[:2])
        return [(pattern, path, listed) for _, _, pattern, path, listed in rows]

    def validator(self, schema: dict[str, Any]) -> Any:
        """A validator for a schema of the contract, which resolves its ``$ref`` in the contract."""
        known = self._validators.get(id(schema))
        if known is None:
            known = self._validators[id(schema)] = Draft202012Validator(
                _absolute(schema), registry=self._registry, format_checker=Draft202012Validator.FORMAT_CHECKER
            )
        return known

    def value_findings(self, schema: dict[str, Any], value: Any, *, ordered: bool = True) -> list[str]:
        """The first deviation of a value from the schema, or else the wrong order of its keys."""
        error = best_match(self.validator(schema).iter_errors(value))
        if error is not None:
            return [f"{error.json_path}: {error.message}"]
        return list(self._order(schema, value, "$")) if ordered else []

    def _order(self, schema: dict[str, Any], value: Any, path: str) -> Iterator[str]:
        """Objects whose keys have another order than the contract's properties."""
        schema = resolve(self.contract, schema)
        for branch in [*schema.get("anyOf", ()), *schema.get("oneOf", ())]:
            if self.validator(branch).is_valid(value):
                yield from self._order(branch, value, path)
        if isinstance(value, dict) and "properties" in schema:
            wanted = [key for key in schema["properties"] if key in value]
            given = [key for key in value if key in schema["properties"]]
            if given != wanted:
                yield f"{path}: the keys stand in the order {given}, not {wanted}"
            for key in given:
                yield from self._order(schema["properties"][key], value[key], f"{path}.{key}")
        if isinstance(value, list) and isinstance(schema.get("items"), dict):
            for index, item in enumerate(value):
                yield from self._order(schema["items"], item, f"{path}[{index}]")

    def place(self, path: str) -> list[str] | None:
        """The segments below the base path, or None for a path outside the vendor's API."""
        segments = _split(path)
        if segments[:1] == ["ns"] and len(segments) > 1:
            if _NAMESPACE.fullmatch(segments[1]) is None:
                return None
            segments = segments[2:]
        length = len(self._base)
        return segments[length:] if segments[:length] == self._base else None

    def find(self, method: str, path: str) -> tuple[Operation | None, list[str]]:
        """The operation of a request, or the methods that its path allows."""
        segments = self.place(path)
        if segments is not None:
            joined = "/" + "/".join(segments)
            for pattern, _, listed in self._patterns:
                if pattern.fullmatch(joined):
                    found = [operation for operation in listed if operation.method == method]
                    return (found[0] if found else None), sorted(operation.method for operation in listed)
        return None, []

    def findings(self, exchange: Exchange) -> list[str]:
        """The deviations of an answer from the contract, as texts that name the request."""
        headers = {name.lower(): value for name, value in exchange.headers}
        if exchange.preflight or "x-mock-fault" in headers or self._is_ours(exchange):
            return []
        if headers.get("x-mock-provenance") == "mock" and exchange.status == 422:
            # A refusal of strict mode has the vendor's form at every operation.
            content = self.contract["components"]["responses"]["Unprocessable"]["content"]
            return list(self._body(content, headers.get("content-type", "none"), exchange.body))
        operation, allowed = self.find(exchange.method, exchange.path)
        slashes, plain = dict(exchange.assumed).get("extra_slashes"), "/" + "/".join(_split(exchange.path))
        if slashes == "not_found" and exchange.path != plain:
            operation, allowed = None, []
        if slashes == "redirect" and exchange.path != plain and operation is not None:
            given = exchange.status, headers.get("location", "").partition("?")[0]
            found: Iterable[str] = [] if given == (307, plain) else [f"should be a 307 to {plain}"]
        elif operation is None:
            found = self._unplaced(exchange, headers, allowed)
        else:
            found = self._answer(operation, exchange, headers)
        name = "no operation" if operation is None else operation.name
        shown = exchange.body[:300].decode(errors="replace")
        return [
            f"{exchange.method} {exchange.path} ({name}) -> {exchange.status}: {text}\n    {shown}" for text in found
        ]

    @staticmethod
    def _is_ours(exchange: Exchange) -> bool:
        segments = _split(exchange.path)
        if segments[:1] == ["ns"] and len(segments) > 1:
            if segments[2:3] == ["_mock"] or (segments[2:] in _PAGES and exchange.status == _REDIRECT):
                return True
        elif segments[:1] == ["_mock"] or (segments in _OWN_PATHS and exchange.method in ("GET", "HEAD")):
            return True
        # Some refusals are the mock's own and say so: limits and temporary files, an unknown host, X-Mock-Strict.
        own = {
            503: ("mock_heidi has reached its limit", "mock_heidi cannot write an upload"),
            403: ("mock_heidi does not answer to",),
            400: ("X-Mock-Strict: ",),
        }
        begins = tuple(f'{{"detail":"{text}'.encode() for text in own.get(exchange.status, ()))
        return exchange.body.startswith(begins)

    def _unplaced(self, exchange: Exchange, headers: Mapping[str, str], allowed: list[str]) -> Iterator[str]:
        wanted = (405, _NOT_ALLOWED) if allowed else (404, _NOT_FOUND)
        try:
            given = exchange.status, parse(exchange.body)
        except ValueError as error:
            yield f"the body is no JSON: {error}"
            return
        if given != wanted:
            yield f"should be {wanted[0]} {wanted[1]}"
        if headers.get("content-type") != "application/json":
            yield f"the media type is {headers.get('content-type')}, not application/json"
        if allowed and sorted(headers.get("allow", "").split(", ")) != allowed:
            yield f"Allow is {headers.get('allow')!r}, not {', '.join(allowed)}"

    def _answer(self, operation: Operation, exchange: Exchange, headers: Mapping[str, str]) -> Iterator[str]:
        responses = operation.spec["responses"]
        response = resolve(self.contract, responses.get(str(exchange.status)))
        if response is None:
            yield f"the status is none of {', '.join(responses)}"
            return
        for name, definition in response.get("headers", {}).items():
            header = resolve(self.contract, definition)
            value = headers.get(name.lower())
            if value is None and header.get("required"):
                yield f"the header {name} is missing"
            elif value is not None:
                for text in self.value_findings(header["schema"], value):
                    yield f"header {name}: {text}"
        # A chosen value may lead to the question of another assumption.
        met = "" if exchange.assumed else headers.get("x-mock-provenance", "").partition("; ")[2]
        for name in met.split(", "):
            if name and _touched().get(name) != "all" and operation.name not in _touched().get(name, ()):
                yield f"the request met the assumption {name}, which does not list the operation"
        if exchange.body or "content" in response:
            yield from self._body(response.get("content", {}), headers.get("content-type", "none"), exchange.body)

    def _body(self, content: dict[str, Any], given: str, body: bytes) -> Iterator[str]:
        """The deviations of a body or its media type from the contract. Charsets count for streams only."""
        kind = given.partition(";")[0].strip()
        if kind not in content:
            yield f"the media type is {given}, not {' or '.join(content) or 'none'}"
        elif kind in (_STREAM, _LINES):
            if kind == _STREAM and given != _STREAM_WITH_CHARSET:
                yield f"the media type is {given}, not {_STREAM_WITH_CHARSET}"
            stream = self.contract["components"]["schemas"]["PieceStream"]
            events = as_events(body, stream["x-framing"]) if "x-framing" in stream else body
            yield from stream_findings(events, escaped="x-escapes" not in stream)
        elif kind == "application/json":
            try:
                value = parse(body)
            except ValueError as error:
                yield f"the body is no JSON: {error}"
            else:
                yield from self.value_findings(content[kind]["schema"], value)


def stream_findings(body: bytes, *, escaped: bool = True) -> list[str]:
    """The places where a stream has anything except events in the vendor's format."""
    *events, rest = body.split(b"\n\n")
    texts = [_event(event, escaped=escaped) for event in events]
    found = [f"event {number} of the stream: {text}" for number, text in enumerate(texts) if text]
    return [*found, f"the stream ends within an event: {rest!r}"] if rest else found


def as_events(body: bytes, framing: str) -> bytes:
    """A stream of bare objects (one per line for ``ndjson``) rewritten as a stream of events."""
    end = b"\n" if framing == "ndjson" else b""
    return re.sub(_OBJECT.pattern + end, rb"data: \1\n\n", body)


def _event(event: bytes, *, escaped: bool) -> str:
    """The deviation of an event (given without its final line feeds), or an empty text."""
    if not (event.startswith(_EVENT_BEGINS) and event.endswith(_EVENT_ENDS)):
        return f'{event!r} is not of the form data: {{"data": "..."}}'
    quoted = event[len(_EVENT_BEGINS) : -len(_EVENT_ENDS)]
    try:
        piece = parse(quoted)
        str.encode(piece)  # a lone surrogate is valid JSON but not valid text
    except (ValueError, TypeError) as error:
        return f"{quoted!r} is no text in JSON: {error}"
    wanted = json.dumps(piece, ensure_ascii=escaped).encode()
    return "" if quoted == wanted else f"{quoted!r} is not escaped as {wanted!r}"


@cache
def _touched() -> dict[str, Any]:
    """The operations that each assumption touches, by its name in the list; ``all`` for all of them."""
    return {row["name"]: row["operations"] for row in load_yaml(contract_text(ASSUMPTIONS))}


def _absolute(schema: Any) -> Any:
    """A schema that can be read outside its file: every local ``$ref`` names the file."""
    if isinstance(schema, dict):
        return {
            key: f"{_URI}{value}" if key == "$ref" and isinstance(value, str) else _absolute(value)
            for key, value in schema.items()
        }
    return [_absolute(item) for item in schema] if isinstance(schema, list) else schema


class ControlJudge(Judge):
    """Compares answers of the control API with its contract, in which keys have no order."""

    @staticmethod
    def _is_ours(exchange: Exchange) -> bool:
        return not _is_control(exchange.path)

    def _unplaced(self, exchange: Exchange, headers: Mapping[str, str], allowed: list[str]) -> Iterator[str]:
        status = 400 if self.place(exchange.path) is None else 405 if allowed else 404
        if exchange.status not in (status, 403):
            yield f"should be {status}, or 403 for whom the guard does not know"
        if exchange.status == 405 and sorted(headers.get("allow", "").split(", ")) != allowed:
            yield f"Allow is {headers.get('allow')!r}, not {', '.join(allowed)}"
        refusal = {"application/json": {"schema": self.contract["components"]["schemas"]["Refusal"]}}
        yield from self._body(refusal, headers.get("content-type", "none"), exchange.body)

    def _body(self, content: dict[str, Any], given: str, body: bytes) -> Iterator[str]:
        kind = given.partition(";")[0]
        if kind not in content:
            yield f"the media type is {given}, not {' or '.join(content) or 'none'}"
        elif kind == _STREAM:
            yield from self._events(content[kind]["x-events"], body)
        else:
            yield from self._value(content[kind]["schema"], kind, body)

    def _value(self, schema: dict[str, Any], kind: str, body: bytes) -> Iterator[str]:
        reader = {"application/json": parse, "application/yaml": load_yaml}.get(kind, bytes.decode)
        try:
            value = reader(body)
        except (ValueError, yaml.YAMLError) as error:
            yield f"the body is no {kind}: {error}"
        else:
            yield from self.value_findings(schema, value, ordered=False)

    def _events(self, kinds: dict[str, Any], body: bytes) -> Iterator[str]:
        # The text after the last empty line is an event that was cut when the client left.
        for event in body.split(b"\n\n")[:-1]:
            match = _NAMED_EVENT.fullmatch(event)
            if match is None:
                if not event.startswith(b": "):
                    yield f"{event!r} is neither a comment nor an event with id, event and data"
            elif (kind := match[1].decode()) not in kinds:
                yield f"the event {kind!r} is none of {', '.join(kinds)}"
            else:
                yield from self._value(kinds[kind], "application/json", match[2])


def _is_control(path: str) -> bool:
    segments = _split(path)
    return segments[:1] == ["_mock"] or (segments[:1] == ["ns"] and segments[2:3] == ["_mock"])


@cache
def judge(assumed: tuple[tuple[str, Any], ...] = ()) -> Judge:
    """The judge of the contract as in the file, or as it is under the chosen assumptions."""
    if not assumed:
        return Judge(load_contract())
    from mock_heidi.base import contract_variants  # noqa: PLC0415 - as below
    from mock_heidi.base.assumptions import Assumptions  # noqa: PLC0415 - as below

    return Judge(contract_variants.changed(Assumptions(dict(assumed))))


@cache
def control_judge() -> Judge:
    """The judge of the control API's contract."""
    return ControlJudge(load_contract(CONTROL))


# Tests repeat the same exchanges, so verdicts are cached.
@lru_cache(maxsize=4096)
def _verdict(exchange: Exchange) -> tuple[str, ...]:
    judging = control_judge() if _is_control(exchange.path) else judge(exchange.assumed)
    return tuple(judging.findings(exchange))


class Watch:
    """The exchanges since the last call of :meth:`findings`."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.raised: list[str] = []

    def findings(self) -> list[str]:
        """The deviations from the contract since the last call, each kind once."""
        exchanges, self.exchanges = self.exchanges, []
        raised, self.raised = self.raised, []
        return list(dict.fromkeys([*raised, *(text for exchange in exchanges for text in _verdict(exchange))]))


_watches: list[Watch] = []


@contextlib.contextmanager
def watch() -> Iterator[Watch]:
    """Watch every answer of every application in this process, in any thread.

    Answers are only recorded as they pass, and judged later: a verdict takes longer than a request, so judging at once
    would change the timing of the server.
    """
    from mock_heidi.app import App  # noqa: PLC0415 - the judges must not import the code that they judge

    watching = Watch()
    original = App.__call__

    async def watched(self: App, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await original(self, scope, receive, send)
            return
        asked = {name for name, _ in scope["headers"]}
        preflight = scope["method"] == "OPTIONS" and {b"origin", b"access-control-request-method"} <= asked
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        # No function call here, since a test counts the calls of a request.
        named = path.split("/")[2] if path.startswith("/ns/") else "default"
        assumed = tuple(self.registry._all.get(named, self.registry.start).assumptions.chosen.items())  # noqa: SLF001
        started: dict[str, Any] = {}
        pieces: list[bytes] = []

        def note() -> None:
            headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in started["headers"])
            body = b"".join(pieces)
            exchange = Exchange(scope["method"], path, preflight, started["status"], headers, body, assumed)
            watching.exchanges.append(exchange)
            started.clear()

        async def noting(message: Any) -> None:
            if message["type"] == "http.response.start":
                started.update(message)
            elif message["type"] == "http.response.body":
                pieces.append(message.get("body", b""))
                if not message.get("more_body", False):
                    note()
            await send(message)

        try:
            await original(self, scope, receive, noting)
        except Exception as error:
            watching.raised.append(f"{scope['method']} {path}: the application raised {error!r}")
            raise
        finally:
            # An aborted stream has no end, but the part that was sent must keep the contract.
            if any(value.startswith(_STREAM.encode()) for _, value in started.get("headers", ())):
                note()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(App, "__call__", watched)
        _watches.append(watching)
        try:
            yield watching
        finally:
            _watches.remove(watching)


# --- The plugin -------------------------------------------------------------------------------------------------------


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "breaks_contract: receives answers on purpose that the contract does not have")


@pytest.fixture(autouse=True, scope="session")
def contract_watch() -> Iterator[Watch]:
    """Every response that a test receives from an application in this process must keep the contract."""
    with watch() as watching:
        yield watching


@contextlib.contextmanager
def _kept(item: pytest.Item) -> Iterator[None]:
    """Fail the enclosed phase if an answer broke the contract, even if the test itself passes."""
    try:
        yield
    finally:
        findings = [text for watching in _watches for text in watching.findings()]
        if findings and item.get_closest_marker("breaks_contract") is None:
            more = [f"... and {len(findings) - _SHOWN} more"] if len(findings) > _SHOWN else []
            pytest.fail("answers that break the contract:\n" + "\n".join(findings[:_SHOWN] + more), pytrace=False)


# Each phase is checked separately: in "call" the test itself fails; a fixture could only report an error.


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup(item: pytest.Item) -> Iterator[None]:
    with _kept(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    with _kept(item):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown(item: pytest.Item) -> Iterator[None]:
    with _kept(item):
        return (yield)
