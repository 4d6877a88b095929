"""The guard: it checks each request of the control API before anything else does."""

from __future__ import annotations

import hmac
import re
from collections.abc import Collection

from starlette.responses import Response
from starlette.types import Scope

from mock_heidi.base.hosts import Hosts, host_name, is_address, is_loopback, region_of
from mock_heidi.control.control import respond
from mock_heidi.serving.proxy import PROXIED
from mock_heidi.web.cors import Origins, is_own
from mock_heidi.web.request import Request
from mock_heidi.web.router import split

_CONTRACT = re.compile(r"(?:ns/[^/]+/)?_mock/(?:openapi|control)\.(?:yaml|json)")
# The pages that a link on another site may open, since they only show something to a person.
_PAGES = ("get_dashboard", "get_reference", "get_openapi", "get_openapi_json", "get_control", "get_control_json")
# The files that hold no data, so that they need no token. The page asks for the token.
_SHELL = ("get_dashboard", "get_reference", "get_dashboard_file")


class Guard:
    """Accepts programs on this machine, the server's own pages, and the hosts and web pages that the user allows.

    A web page could reach loopback through its own host name, so ``Host`` is checked; or with a cross-origin request,
    so ``Origin`` must be the server's. A browser sends ``Sec-Fetch-Site`` even without ``Origin``, as for an image.
    Another machine must use a host that the user allows. The hosts of the real service are refused even then, and so is
    every request through the proxy.
    """

    def __init__(
        self,
        hosts: Collection[str] = (),
        origins: Collection[str] = (),
        readers: Origins | None = None,
        token: str | None = None,
    ) -> None:
        """``readers`` are the origins whose pages may read the contracts, which contain no secrets."""
        self.token = None if token is None else token.encode()
        self.hosts = Hosts(hosts)
        self.allowed = {host.strip("[]").lower() for host in hosts}
        self.origins = {origin.lower().rstrip("/") for origin in origins}
        self.readers = readers or Origins()

    def refusal(self, request: Request) -> Response | None:
        """The refusal of a request, or None if it is accepted."""
        scope = request.scope
        names = [name for name, _ in scope["headers"]]
        headers = {name: value.decode("latin-1").lower() for name, value in scope["headers"]}
        if PROXIED in scope or region_of(request.headers.get(b"host")) is not None:
            return _forbid_vendor(through_proxy=PROXIED in scope)
        refused = self.hosts.refusal(scope)
        if refused is not None:
            return _forbid(f"the control API does not answer to {refused.what}", refused.cure)
        if names.count(b"origin") > 1:
            return _forbid("the control API does not answer to a request with more than one Origin", "send one")
        host, origin = headers.get(b"host", ""), headers.get(b"origin")
        if self._is_from_elsewhere(scope) and host_name(host) not in self.allowed:
            return _forbid("the control API does not answer to other machines", "allow a host with --allowed-host")
        if origin is not None and not self._allows(origin, host, request):
            return _forbid(f"the control API does not answer to pages of {origin!r}", "allow it with --admin-origin")
        refusal = None if origin is not None else self._site_refusal(request, headers)
        return refusal or (None if request.operation in _SHELL else self._token_refusal(scope))

    def _allows(self, origin: str, host: str, request: Request) -> bool:
        """True if pages of an origin may send this request."""
        if origin in self.origins or is_own(origin.encode("latin-1"), host.encode("latin-1")):
            return True
        path = request.scope["path"].removeprefix(request.scope.get("root_path", ""))
        return _CONTRACT.fullmatch("/".join(split(path))) is not None and self.readers.allow(origin)

    @staticmethod
    def _is_from_elsewhere(scope: Scope) -> bool:
        """True if another machine sent the request. In process there is no peer, or an invented one."""
        peer, own = (scope.get("client") or ("",))[0], (scope.get("server") or ("",))[0]
        return is_address(peer) and not is_loopback(peer) and peer != own

    def _token_refusal(self, scope: Scope) -> Response | None:
        # A browser cannot send the token with a preflight, which asks whether it may send the token.
        if self.token is None or scope["method"] == "OPTIONS":
            return None
        given = [value for name, value in scope["headers"] if name == b"x-mock-admin-token"]
        if len(given) == 1 and hmac.compare_digest(given[0].strip(b" \t"), self.token):
            return None
        error = "the control API requires the server's admin token"
        return respond({"error": error, "hint": "send it as X-Mock-Admin-Token, or set MOCK_HEIDI_ADMIN_TOKEN"}, 403)

    @staticmethod
    def _site_refusal(request: Request, headers: dict[bytes, str]) -> Response | None:
        site, mode = headers.get(b"sec-fetch-site", "none"), headers.get(b"sec-fetch-mode", "")
        # A link to a page is harmless, since the page only shows something to a person.
        is_link = mode == "navigate" and request.operation in _PAGES
        if site in ("cross-site", "same-site") and not is_link:
            return _forbid("the control API does not answer to other sites' pages", "open it in its own tab")
        return None


def _forbid_vendor(*, through_proxy: bool) -> Response:
    if through_proxy:
        cure = "call it by a name or an address of this server, without the proxy"
        return _forbid("the control API does not answer to requests through the proxy", cure)
    cure = "call it by a name or an address of this server, such as localhost"
    return _forbid("the control API does not answer to the hosts of the real service", cure)


def _forbid(error: str, hint: str) -> Response:
    return respond({"error": error, "hint": hint}, 403)
