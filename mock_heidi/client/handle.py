"""``Handle``: one namespace of a running server, as a test uses it."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self, Unpack
from urllib.parse import quote

from mock_heidi.base.settings import DEFAULT_EMAIL, DEFAULT_KEY, DEFAULT_THIRD_PARTY_ID
from mock_heidi.client.addresses import Addresses
from mock_heidi.client.attribute_hints import AttributeHints
from mock_heidi.client.client_errors import MockHeidiError, NoAnswerError, import_httpx
from mock_heidi.client.event_stream import EventStream
from mock_heidi.client.namespace_connection import NamespaceConnection, query, read_address, snapshot_path
from mock_heidi.client.namespace_options import NamespaceOptions, start_body
from mock_heidi.client.proxies import ClockProxy, FaultsProxy, StateProxy, fault_ids, rule_body
from mock_heidi.client.server_connection import ServerConnection
from mock_heidi.content import recordings

if TYPE_CHECKING:
    import httpx

    from mock_heidi.faults.arguments import FaultArguments

__all__ = ["Handle", "MockHeidiError", "NoAnswerError"]

Row = dict[str, Any]


class Handle(Addresses, AttributeHints):
    """One namespace of a running server: its URLs, tokens, state, clock, faults and requests.

    Every method that asks the server raises :class:`MockHeidiError` for a refusal, and :class:`NoAnswerError` (a
    ``ConnectionError``) if no mock_heidi answers. Properties do not ask the server. Any thread may use a handle.
    """

    email = DEFAULT_EMAIL
    """The e-mail address of the user that the handle signs in."""
    third_party_internal_id = DEFAULT_THIRD_PARTY_ID
    """The id of this user in the partner's system."""

    def __init__(
        self,
        url: str,
        namespace: str | None = None,
        api_key: str = DEFAULT_KEY,
        admin_token: str | None = None,
        *,
        maker: ServerConnection | None = None,
    ) -> None:
        """``url`` is the URL of a server, of a namespace, or a base URL. The server is not asked yet.

        ``admin_token`` is ``MOCK_HEIDI_ADMIN_TOKEN`` by default. ``maker`` is the connection of the handle that made
        the namespace, which :meth:`close` then deletes. Raises :class:`ConfigError` for a wrong URL or name.
        """
        self.url, name = read_address(url, namespace)
        """The address of the server, ``http://127.0.0.1:PORT``."""
        self.name = name
        """The name of the namespace."""
        self.api_key = api_key
        """The API key that the handle signs in with."""
        self._admin_token = (admin_token or os.environ.get("MOCK_HEIDI_ADMIN_TOKEN", "")).strip() or None
        self._connection = NamespaceConnection(self.url, self.name, self._admin_token, maker)
        self._removed: list[Row] = []  # removed rules, with their last values

    @property
    def closed(self) -> bool:
        """True after :meth:`close`."""
        return self._connection.closed

    @property
    def state(self) -> StateProxy:
        """The records of the namespace."""
        return StateProxy(self.control)

    @property
    def clock(self) -> ClockProxy:
        """The clock of the namespace."""
        return ClockProxy(self.control)

    audio = staticmethod(recordings.audio)
    _parts: ClassVar = {"state": StateProxy, "clock": ClockProxy}

    # --- Signing in ---

    def token(self, email: str | None = None, third_party_internal_id: str | None = None) -> str:
        """A new bearer token, by default for the user :attr:`email`."""
        user = {
            "email": email or self.email,
            "third_party_internal_id": third_party_internal_id or self.third_party_internal_id,
        }
        # Coverage counts the requests of the client, and leaves out those with this User-Agent.
        headers = {"Heidi-Api-Key": self.api_key, "User-Agent": "mock-heidi"}
        return str(self._connection.get(f"/jwt{query(user)}", headers)["token"])

    def headers(self) -> dict[str, str]:
        """The headers of a signed-in request, with a new token."""
        return {"Authorization": f"Bearer {self.token()}"}

    def client(self, **options: Any) -> httpx.Client:
        """A signed-in ``httpx.Client`` on :attr:`base_url`; close it, or use it in a ``with``."""
        made: httpx.Client = import_httpx().Client(**self._client_options(options))
        return made

    def async_client(self, **options: Any) -> httpx.AsyncClient:
        """A signed-in ``httpx.AsyncClient`` on :attr:`base_url`; close it, or use it in an ``async with``."""
        made: httpx.AsyncClient = import_httpx().AsyncClient(**self._client_options(options))
        return made

    def _client_options(self, options: dict[str, Any]) -> dict[str, Any]:
        return {"base_url": self.base_url, "headers": self.headers(), **options}

    # --- Faults and replies ---

    def fault(self, operation: str | list[str] | None = None, **rule: Unpack[FaultArguments]) -> FaultsProxy:
        """Set a rule: ``fault("generate_consult_note", end_after=3, times=1)``. A ``with`` removes it at its end.

        The fault reference in the docs has the arguments. ``operation`` may also be the part of a short form before
        its colon, such as ``GET /sessions*``, or a whole short form.
        """
        made = self.control("POST", "/faults", rule_body(operation, {**rule}))
        return FaultsProxy(self.control, [made], self._removed)

    def scenario(self, name: str) -> FaultsProxy:
        """Set the rules of a scenario, such as ``flaky-afternoon``. A ``with`` removes them at its end."""
        made = self.control("POST", f"/scenarios/{quote(name, safe='')}")["faults"]
        return FaultsProxy(self.control, made, self._removed)

    def faults(self) -> list[Row]:
        """The rules that are set, with ``hits`` (answers that were changed or delayed) and ``matched`` (requests)."""
        found: list[Row] = self.control("GET", "/faults")["faults"]
        return found

    def unfired(self) -> list[str]:
        """A line for each rule that has no hit, removed rules included."""
        from mock_heidi.client.report import unfired

        return unfired(self._all_faults())

    def _all_faults(self) -> list[Row]:
        return [*self._removed, *([] if self.closed else self.faults())]

    def reply(self, operation: str, **rule: Any) -> Row:
        """Set your own answer and return its record: ``reply("ask_ai", text="No.")``.

        ``text`` or ``pieces=[…]`` replace the text that Heidi writes; ``body={…}``, ``status`` and ``headers`` replace
        the whole answer. ``session_id``, ``template_id`` and ``match`` select requests; ``times`` limits their number.
        """
        made: Row = self.control("POST", "/replies", {"operation": operation, **rule})
        return made

    def assume(self, **values: Any) -> list[Row]:
        """Choose values for assumptions, such as ``profile_not_found=400``; returns all of them, as they are now."""
        found: list[Row] = self.control("PUT", "/assumptions", values)["assumptions"]
        return found

    # --- The requests of the client ---

    def requests(self, **filters: Any) -> list[Row]:
        """The last requests, oldest first, without secrets; filters are like ``operation="get_session"``.

        Each has ``id``, ``operation``, ``method``, ``path``, ``body``, ``status``, ``response`` and more;
        ``duration`` is in seconds.
        """
        found: list[Row] = self.control("GET", f"/requests{query(filters)}")["requests"]
        return found

    def verify(self, **expectation: Any) -> list[int]:
        """Expect requests, and return the ids of those that fit: ``verify(operation="get_session", within=2)``.

        ``count``, ``at_least``, ``at_most`` or ``never=True`` bound how many fit the filters; ``in_order=[…]`` takes a
        list of filters. ``within`` is the longest wait in seconds. Raises AssertionError with the requests that
        come nearest.
        """
        return self._connection.verify(expectation)

    def wait_for(self, operation: str, within: float = 5, **filters: Any) -> Row:
        """The newest request that fits, once it is answered. Raises AssertionError after ``within`` seconds."""
        ids = self.verify(operation=operation, within=within, **filters)
        found: Row = self.control("GET", f"/requests/{ids[-1]}")
        return found

    def assert_noticed(self, fault: FaultsProxy | str, *, error: bool = False, within: float = 0) -> None:
        """Expect that the client noticed the early end of a stream that ``fault`` made. Raises AssertionError if not.

        A client notices the end of a note if it reads the session or asks for the note again; the end of an answer of
        Ask Heidi if it gives the same instruction again. ``error=True`` is for a client that showed an error: it must
        only not go on. ``within`` waits so many seconds for the client. ``fault`` may be the id of a rule.
        """
        for each in fault_ids(fault):
            try:
                self.verify(noticed={"fault": each, "error": error}, within=within)
            except AssertionError as problem:
                from mock_heidi.client.report import unnoticed

                raise AssertionError(unnoticed(str(problem), each, self._all_faults())) from None

    def findings(self) -> list[Row]:
        """The findings so far: ``code``, ``level``, ``message``, and the ids of the ``first`` and ``last`` request."""
        found: list[Row] = self.control("GET", "/findings")["findings"]
        return found

    def report(self, limit: int = 30) -> str:
        """The last requests with their bodies, all faults and all findings, as a failing test shows them."""
        from mock_heidi.client.report import report

        return report(self.requests(limit=limit), self._all_faults(), self.findings())

    def curl(self, **filters: Any) -> str:
        """The last requests as ``curl`` commands, one on each line; a comment has the command for ``$TOKEN``."""
        return self._connection.control_text(f"/requests{query({**filters, 'format': 'curl'})}")

    def events(self) -> EventStream:
        """The kind and the data of each event from now on, without an end: use it in a ``with``."""
        return self._connection.events()

    # --- The state as a whole ---

    def session(self, session_id: str, **changes: Any) -> Row:
        """A session with the sources of its note. ``changes`` are made first, as if a clinician made them in Heidi."""
        path = f"/sessions/{quote(session_id, safe='')}"
        found: Row = self.control("PUT", path, changes) if changes else self.control("GET", path)
        return found

    def snapshot(self, name: str = "snapshot") -> Row:
        """Keep the state under a name. Returns the name, the time and the number of records."""
        kept: Row = self.control("PUT", snapshot_path(name))
        return kept

    def restore(self, name: str = "snapshot") -> None:
        """Restore the state of a snapshot."""
        self.control("POST", f"{snapshot_path(name)}/restore")

    def diff(self, name: str = "snapshot", against: str | None = None) -> Row:
        """The ids that were ``added``, ``removed`` and ``changed`` since a snapshot, for each kind of record.

        ``against`` names a later snapshot to compare with, instead of the current state.
        """
        found: Row = self.control("GET", f"{snapshot_path(name)}/diff{query({'against': against} if against else {})}")
        return found

    def reset(self, *, keep: Iterable[str] = ()) -> None:
        """Reset state, clock, ids, faults, replies and findings, and clear the requests.

        ``keep`` names the parts that stay, such as ``["clock", "faults"]``.
        """
        kept = [keep] if isinstance(keep, str) else list(keep)
        self.control("POST", f"/reset{query({'keep': ','.join(kept)} if kept else {})}")
        if "faults" not in kept:
            self._removed.clear()

    def namespace(self, name: str, **options: Unpack[NamespaceOptions]) -> Handle:
        """The handle of a new namespace on the same server: ``namespace("clinic", fixtures="empty", seed=7)``.

        :class:`NamespaceOptions` has the options. The end of a ``with``, or :meth:`close`, deletes the namespace.
        """
        user = {"email": Handle.email, "third_party_internal_id": Handle.third_party_internal_id}
        self.control("POST", f"/namespaces/{quote(name, safe='')}", start_body(options, user) or None)
        key = options.get("api_key") or self.api_key
        handle = type(self)(self.url, name, key, self._admin_token, maker=self._connection.server)
        if options.get("api_key") is None and options.get("fixtures") is not None:
            handle.api_key = handle.control("GET", "/state")["api_keys"][0]["key"]
        return handle

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """The JSON of an answer of the control API: ``control("GET", "/health")``, or ``"/_mock/health"``."""
        return self._connection.control(method, path, body)

    # --- The end ---

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; delete the namespace if :meth:`namespace` made it. A second call does nothing."""
        self._connection.close()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.base_url}>"
