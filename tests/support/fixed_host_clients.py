"""Clients with a host of the real service in their code, in many languages: ``exec --proxy`` leads each to the mock.

Each program asks for a host that does not exist, and ends with status 9 if it finds neither the proxy nor the hook.
Then it signs in, creates a session, and streams its note twice. For each stream it prints the number of pieces and the
error, if it sees one.
"""

import subprocess
import sys
from typing import NamedTuple

import pytest
from doc_markdown import Row, code, table
from paths import ROOT

PROGRAMS = ROOT / "tests" / "support" / "fixed_hosts"
NODE_MODULES = ROOT / "tests" / "contract" / "tools" / "node_modules"
HOOK, VARIABLES = "hook", "variables"

_COMMANDS = {
    "Python": (sys.executable, "client.py"),
    "Node": ("node", "client.cjs"),
    "Ruby": ("ruby", "client.rb"),
    "PHP": ("php", "client.php"),
    "Go": ("go", "run", "client.go"),
    "Java": ("java", "Client.java"),
    "Shell": ("sh", "client.sh"),
}


class FixedHostClient(NamedTuple):
    """A client, and how it uses the mock."""

    language: str
    library: str
    way: str
    """The way to the mock: the hook of its language, or the variables of a proxy."""
    resets: tuple[str, ...]
    """The errors that it may see if a connection is reset; empty if it sees none."""
    probe: tuple[str, ...]
    """A command that succeeds where the client can run."""
    cure: str
    """A command that installs it."""

    @property
    def command(self) -> tuple[str, ...]:
        *program, file = _COMMANDS[self.language]
        return (*program, str(PROGRAMS / file), self.library)

    def check_installed(self) -> None:
        """Skip the test if the client cannot run here."""
        try:
            subprocess.run(self.probe, capture_output=True, check=True)  # noqa: S603 - ours
        except (OSError, subprocess.CalledProcessError):
            pytest.skip(f"{self.language} with {self.library} is not installed: {self.cure}")


def _python(module: str) -> tuple[tuple[str, ...], str]:
    return (sys.executable, "-c", f"import {module}"), f"pip install {module}"


def _node(package: str) -> tuple[tuple[str, ...], str]:
    probe = ("node", "--eval", f"require({str(NODE_MODULES / package)!r})")
    return probe, "npm install --ignore-scripts --prefix tests/contract/tools"


_NODE = ("node", "--eval", "fetch"), "apt-get install nodejs"
_RUBY = ("ruby", "-e", "require 'net/http'"), "apt-get install ruby"
_FARADAY = ("ruby", "-e", "require 'faraday'"), "apt-get install ruby-faraday"
_PHP = ("php", "-r", "exit((int) !extension_loaded('curl'));"), "apt-get install php-cli php-curl"
_GUZZLE = ("php", "-r", "require 'GuzzleHttp/autoload.php';"), "apt-get install php-guzzlehttp-guzzle"
_GO = ("go", "version"), "apt-get install golang-go"
_JAVA = ("javac", "--version"), "apt-get install default-jdk-headless"
_CURL = ("curl", "--version"), "apt-get install curl"

CLIENTS = [
    FixedHostClient("Python", "http.client", HOOK, ("IncompleteRead", "ConnectionResetError"), *_python("http")),
    FixedHostClient("Python", "urllib", VARIABLES, ("IncompleteRead", "ConnectionResetError"), *_python("urllib")),
    FixedHostClient("Python", "urllib3", HOOK, ("ProtocolError",), *_python("urllib3")),
    FixedHostClient("Python", "requests", VARIABLES, ("ChunkedEncodingError",), *_python("requests")),
    FixedHostClient("Python", "httpx", VARIABLES, ("RemoteProtocolError", "ReadError"), *_python("httpx")),
    FixedHostClient("Python", "httpx.AsyncClient", VARIABLES, ("ReadError",), *_python("httpx")),
    FixedHostClient("Python", "aiohttp", HOOK, ("ClientPayloadError",), *_python("aiohttp")),
    FixedHostClient("Node", "fetch", HOOK, ("ECONNRESET", "UND_ERR_SOCKET"), *_NODE),
    FixedHostClient("Node", "https", HOOK, ("ECONNRESET",), *_NODE),
    FixedHostClient("Node", "axios 0", VARIABLES, ("ECONNRESET",), *_node("axios-0")),
    FixedHostClient("Node", "axios 1", VARIABLES, ("ECONNRESET",), *_node("axios")),
    FixedHostClient("Ruby", "Net::HTTP", HOOK, ("Errno::ECONNRESET",), *_RUBY),
    FixedHostClient("Ruby", "Faraday", VARIABLES, ("Faraday::ConnectionFailed",), *_FARADAY),
    FixedHostClient("PHP", "curl", VARIABLES, ("CURLE_RECV_ERROR",), *_PHP),
    FixedHostClient("PHP", "Guzzle", VARIABLES, (), *_GUZZLE),
    FixedHostClient("Go", "net/http", VARIABLES, ("ECONNRESET",), *_GO),
    FixedHostClient("Java", "HttpClient", VARIABLES, ("IOException",), *_JAVA),
    FixedHostClient("Shell", "curl", VARIABLES, ("CURLE_RECV_ERROR",), *_CURL),
]


def clients_table() -> str:
    """The table of the clients for the docs."""
    return table(("Language", "Client", "Finds the mock by", "What it sees of a reset"), map(_row, CLIENTS))


def _row(client: FixedHostClient) -> Row:
    resets = " or ".join(map(code, client.resets)) or "a warning, no error"
    return client.language, client.library, f"its {client.way}" if client.way == HOOK else client.way, resets
