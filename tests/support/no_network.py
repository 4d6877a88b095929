"""No test resolves a name but those of this machine, so no client can reach the real service.

The names of the real service fail as they do without a network. The clients of ``constant_clients`` are closed at the
end of the run.
"""

import socket
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from mock_heidi.base.hosts import is_address

PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    block(monkeypatch)


def block(patch: pytest.MonkeyPatch) -> None:
    """Make every name but ``localhost`` unknown, and every connection to another machine an error."""
    resolve, connect = socket.getaddrinfo, socket.socket.connect

    def getaddrinfo(host: Any, *arguments: Any, **named: Any) -> Any:
        if host not in (None, "localhost") and not is_address(str(host)):
            raise socket.gaierror(socket.EAI_NONAME, f"no test may resolve {host}")
        return resolve(host, *arguments, **named)

    def unknown(host: Any) -> Any:
        raise socket.gaierror(socket.EAI_NONAME, f"no test may resolve {host}")

    def guarded(self: socket.socket, address: Any) -> None:
        if isinstance(address, tuple) and not str(address[0]).startswith("127.") and address[0] != "::1":
            raise ConnectionRefusedError(f"no test may connect to {address}")
        connect(self, address)

    for name in PROXIES:
        patch.delenv(name, raising=False)
    patch.setattr(socket, "getaddrinfo", getaddrinfo)
    patch.setattr(socket, "gethostbyname", unknown)
    patch.setattr(socket, "gethostbyname_ex", unknown)
    patch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True, scope="session")
def closed_clients() -> Iterator[None]:
    yield
    if "constant_clients" in sys.modules:
        sys.modules["constant_clients"].close()
