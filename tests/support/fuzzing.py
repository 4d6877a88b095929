"""The set-up of schemathesis: contract, settings of schemathesis.toml, and a server in process or on a socket."""

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import schemathesis
from clients import NOON, Client
from helpers import SESSION
from judges import load_contract
from paths import OPENAPI

from mock_heidi import MockHeidi
from mock_heidi.app import App, create_app
from mock_heidi.base.settings import DEFAULT_EMAIL, DEFAULT_THIRD_PARTY_ID
from mock_heidi.fixtures import loader as fixture_loader
from mock_heidi.fixtures.export import export
from mock_heidi.namespaces import lifecycle
from mock_heidi.state.store import Store

SETTINGS = OPENAPI.with_name("schemathesis.toml")

Control = Callable[..., Any]


def _beginning() -> dict[str, Any]:
    """The packaged fixtures plus the recording that the contract's examples name."""
    state = export(Store(fixture_loader.load()))
    (documented,) = [session for session in state["sessions"] if session["session_id"] == SESSION]
    documented["recordings"] = [{"recording_id": "123"}]
    return state


APP = create_app(clock=NOON, fixtures=_beginning())


def _token() -> str:
    client = Client(APP)
    try:
        return client.token()
    finally:
        client.close()


TOKEN = _token()


def load(app: App | None, contract: dict[str, Any] | None = None) -> schemathesis.BaseSchema:
    """A contract, by default openapi.yaml, loaded for an application; if None, for the server named in each call."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEIDI_TOKEN", TOKEN)
        config = schemathesis.Config.from_path(SETTINGS)
    loaded = schemathesis.openapi.from_dict(contract or load_contract(), config=config)
    loaded.app = app
    loaded.hook("filter_case")(_can_be_sent)
    return loaded


def _can_be_sent(_: schemathesis.HookContext, case: schemathesis.Case[Any]) -> bool:
    """True if a form can carry the generated values. An empty list or object would arrive as an absent field.

    schemathesis handles this except beside a file. There it would report that the server accepts an invalid value.
    """
    if case.media_type != "multipart/form-data" or not isinstance(case.body, dict):
        return True
    return all(value not in ([], {}) for value in case.body.values())


class Server:
    """A mock and its control API. ``call`` has the arguments with which a request reaches it."""

    def __init__(self, schema: schemathesis.BaseSchema, control: Control, **call: Any) -> None:
        self.schema = schema
        self.control = control
        self.call = call

    def reset(self) -> None:
        """Reset the state and keep the recorded requests."""
        self.control("POST", "/reset?keep=requests")

    def prepare(self, case: schemathesis.Case[Any]) -> None:
        """Reset the state so that a valid case can succeed."""
        self.reset()
        if case.operation.path == "/sessions/linked-user":
            user = {"third_party_internal_id": DEFAULT_THIRD_PARTY_ID}
            self.control("PUT", f"/users/{DEFAULT_EMAIL}/link", user)

    def ask(self, case: schemathesis.Case[Any]) -> None:
        """Send the case and run every check on the answer."""
        answer = case.call(**self.call)
        case.validate_response(answer, transport_kwargs=self.call)

    @contextlib.contextmanager
    def recorded(self) -> Iterator[Callable[[str], Counter[int]]]:
        """A function that counts the answers to an operation by status, from the mock's recorded requests."""
        self.control("DELETE", "/requests")

        def statuses(operation: str) -> Counter[int]:
            found = self.control("GET", f"/requests?operation={operation}")
            assert found["dropped"] == 0
            return Counter(entry["status"] for entry in found["requests"])

        yield statuses


class Application(Server):
    """The same in process, without a server."""

    def reset(self) -> None:
        lifecycle.reset(APP.registry.default, frozenset({"requests"}))  # called thousands of times


IN_PROCESS = load(APP)
OVER_SOCKET = load(None)


@contextlib.contextmanager
def in_process() -> Iterator[Server]:
    """The application of this module, called directly."""
    client = Client(APP)

    def control(method: str, path: str, body: Any = None) -> Any:
        answer = client.request(method, f"/_mock{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    try:
        yield Application(IN_PROCESS, control)
    finally:
        client.close()


@contextlib.contextmanager
def over_socket() -> Iterator[Server]:
    """A new server that knows the same tokens."""
    with MockHeidi(clock=NOON, fixtures=_beginning()) as heidi, requests.Session() as session:
        session.trust_env = False  # ignore the proxy settings of this machine
        yield Server(OVER_SOCKET, heidi.control, base_url=heidi.base_url, session=session)
