"""The shared parts of the control API: its routes, refusals and bodies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Message, Receive, Send

from mock_heidi.base.defects import log_defect
from mock_heidi.base.errors import BodyTooLargeError, NoMemoryError, ServiceUnavailableError, UnprocessableError
from mock_heidi.base.json_text import parsing_json, to_json
from mock_heidi.base.settings import ConfigError
from mock_heidi.base.slices import in_slices
from mock_heidi.base.wording import nearest, shorten
from mock_heidi.fixtures.documents import FixtureError
from mock_heidi.state.clock import precise
from mock_heidi.web.admission import drop_namespace
from mock_heidi.web.request import Request
from mock_heidi.web.response import Answer


class ControlRoute(Route):
    """A route of the control API. Requests with other parameters than those in ``query`` are refused."""

    def __init__(
        self, path: str, handler: Callable[[Request], Awaitable[Response]], method: str, query: Collection[str] = ()
    ) -> None:
        super().__init__(path, handler, methods=[method])
        self.query = query


class ControlError(Exception):
    """A refusal of the control API: one sentence and its cure."""

    headers: Mapping[str, str] = {}

    def __init__(self, status: int, error: str, hint: str, **more: Any) -> None:
        super().__init__(error)
        self.status = status
        self.body = {"error": shorten(error), "hint": shorten(hint), **more}

    @classmethod
    def of(cls, error: ConfigError, status: int = 400) -> ControlError:
        """The refusal that a :class:`ConfigError` causes."""
        return cls(status, error.problem, error.hint)

    @property
    def response(self) -> Answer:
        """The answer with this refusal."""
        return respond(self.body, self.status, self.headers)


def refuse(error: FixtureError, hint: str) -> ControlError:
    """The refusal of records: the first problem as a sentence, and a list of the first 100 problems."""
    unnamed = len(error.problems) - 1
    others = f" (and {error.others(unnamed)})" if unnamed + error.more else ""
    more = {"more": error.more} if error.more else {}
    return ControlError(400, error.problems[0] + others, hint, problems=error.problems, **more)


def respond(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """A JSON answer of the control API."""
    return Answer(to_json(value), status, {"cache-control": "no-store", **(headers or {})})


def report_setting(request: Request, part: str) -> None:
    """Tell the listeners of events that this request has changed a part of the namespace that is set by hand."""
    request.namespace.events.emit("setting", {"part": part})


class WrongMethodError(ControlError):
    """405: the path exists, but for other methods."""

    def __init__(self, allow: Sequence[str]) -> None:
        super().__init__(405, "this endpoint does not take this method", f"use {' or '.join(allow)}")
        self.headers = {"allow": ", ".join(allow)}


def _check_query(request: Request, known: Collection[str]) -> None:
    """Raise :class:`ControlError` for an unknown parameter. Ignoring it would answer another question."""
    for name in request.query:
        if name not in known:
            hint = nearest(name, known) if known else "this endpoint takes no parameters"
            raise ControlError(400, f"unknown parameter {name!r}", hint)


def read_number(text: str, digits: int, error: str, hint: str) -> int:
    """The whole number in a text of at most ``digits`` ASCII digits.

    Raises :class:`ControlError` with this ``error`` and ``hint`` for other texts.
    """
    if not text.isascii() or not text.isdecimal() or len(text) > digits:
        raise ControlError(400, error, hint)
    return int(text)


def renew_namespace(request: Request) -> None:
    """Look the namespace up again: during a wait it may have been deleted or replaced."""
    request.known_namespace = request.registry.get(request.name or request.registry.default.name)


async def read_body(request: Request, limit: int = 1024 * 1024) -> Any:
    """The value of a JSON body, or of a YAML body if the content type says so; None for an empty body.

    The namespace is looked up again afterwards. Raises :class:`ControlError`.
    """
    value = await _read_body(request, limit)
    renew_namespace(request)
    return value


async def _read_body(request: Request, limit: int) -> Any:
    try:
        body = await request.read_body(limit)
        if not body:
            return None
        if "yaml" in (request.header("content-type") or ""):
            from mock_heidi.fixtures.yaml_text import parsing_yaml

            return await in_slices(parsing_yaml(body, "body"))
        return await in_slices(parsing_json(body))
    except BodyTooLargeError:
        raise ControlError(413, f"the body is larger than {limit} bytes", "send less at once") from None
    except NoMemoryError:
        hint = "send less at once, or start the server with a larger --memory"
        raise ControlError(413, "the server has no memory left for the body", hint) from None
    except UnprocessableError as error:
        reason = error.problems[0]["ctx"]["error"]
        raise ControlError(400, f"the body is not JSON: {reason}", "send JSON, or YAML as application/yaml") from None
    except FixtureError as error:
        raise ControlError(400, error.problems[0], "send valid YAML") from None


async def read_fields(request: Request, known: Collection[str]) -> dict[str, Any]:
    """The fields of a body, which must be an object with known fields, or empty. Raises :class:`ControlError`."""
    body = await read_body(request)
    if body is None:
        return {}
    if not isinstance(body, dict):
        raise ControlError(400, "the body is not an object", f"send an object with any of {', '.join(sorted(known))}")
    for name in body:
        if name not in known:
            raise ControlError(400, f"unknown field {name!r}", nearest(name, known))
    return body


async def wait_for_disconnect(receive: Receive) -> None:
    """Wait until the client closes the connection. Its whole request must have been read before."""
    while (await receive())["type"] != "http.disconnect":
        continue


async def operate(request: Request, send: Send) -> None:
    """Run the handler of a request to the control API. Send its answer, or the refusal that it raises."""
    begun = False

    async def send_and_note(message: Message) -> None:
        nonlocal begun
        begun = True
        await send(message)

    try:
        answer = await _answer(request)
        await answer(request.scope, request.receive, send_and_note)
    except ClientDisconnect:
        _drop_unused_namespace(request)
    except Exception as error:  # noqa: BLE001 - the client gets an answer even after a defect
        log_defect(error)
        _drop_unused_namespace(request)
        if not begun:
            hint = "this is a defect of mock_heidi; the log names the place"
            failed = respond({"error": "the control API failed", "hint": hint}, 500)
            await failed(request.scope, request.receive, send)
    finally:
        request.release()


async def _answer(request: Request) -> Response:
    try:
        if request.answer is not None:
            return request.answer
        route = request.route
        assert isinstance(route, ControlRoute)  # noqa: S101 - a request without a route was refused before
        _check_query(request, route.query)
        if request.known_namespace is not None:
            request.known_namespace.last_use = precise()
        answer: Response = await route.endpoint(request)
        await request.read_rest()
    except ControlError as error:
        _drop_unused_namespace(request)
        return error.response
    except ServiceUnavailableError:
        hint = "delete some with DELETE /_mock/namespaces/{name}"
        return respond({"error": "the server has reached its limit of namespaces", "hint": hint}, 409)
    return answer


def _drop_unused_namespace(request: Request) -> None:
    """Drop the namespace that a refused request has made, unless another client has used it since."""
    namespace = request.known_namespace
    if request.made and namespace is not None and namespace.last_use == namespace.begun:
        drop_namespace(request)
