"""A real browser: pages of other sites cannot use the control API, and a local front end can use the API.

Skipped without Chromium. ``test_guard.py`` tests the same refusals without a browser.
"""

import contextlib
import http.server
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from mock_heidi import MockHeidi

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here"),
]

# Sends each request and writes its result into the page.
PAGE = """<!doctype html><title>page</title><pre id="out">waiting</pre><script>
const told = [];
async function attempt(url, options) {
  try {
    const answer = await fetch(url, options);
    told.push([url, answer.type, answer.status, (await answer.text()).slice(0, 60)]);
  } catch (error) { told.push([url, "blocked", 0, String(error)]); }
}
(async () => {
  for (const [url, options] of REQUESTS) await attempt(url, options);
  document.getElementById("out").textContent = JSON.stringify(told);
  document.title = "done";
})();
</script>"""


@contextlib.contextmanager
def site(requests: list[tuple[str, dict[str, Any]]]) -> Iterator[str]:
    """The URL of another site on this machine, whose only page sends these requests."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-type", "text/html")
            self.end_headers()
            self.wfile.write(PAGE.replace("REQUESTS", json.dumps(requests)).encode())

        def log_message(self, *_: object) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


def visit(url: str, profile: Path, *flags: str) -> list[list[Any]]:
    """The results of the page's requests, in a headless browser with a new profile."""
    assert BROWSER is not None
    command = [
        BROWSER,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-background-networking",
        "--no-first-run",
        f"--user-data-dir={profile}",
        "--virtual-time-budget=20000",
        "--dump-dom",
        *flags,
        url,
    ]
    shown = subprocess.run(command, capture_output=True, timeout=120, check=True)  # noqa: S603 - our own page
    found = re.search(r'<pre id="out">(.*?)</pre>', shown.stdout.decode(), re.DOTALL)
    assert found is not None, shown.stdout
    told: list[list[Any]] = json.loads(unescape(found[1]))
    return told


def test_a_page_of_another_site_cannot_change_the_state(tmp_path: Path) -> None:
    with MockHeidi() as heidi:
        heidi.state.add_patient(first_name="Stays")
        endpoints = f"{heidi.url}/_mock"
        requests: list[tuple[str, dict[str, Any]]] = [
            (f"{endpoints}/state", {}),
            (f"{endpoints}/reset", {"method": "POST", "mode": "no-cors"}),
            (f"{endpoints}/reset", {"method": "POST"}),
            (f"{endpoints}/faults", {"method": "POST", "body": '{"status": 503}', "mode": "no-cors"}),
            (f"{endpoints}/namespaces/evil", {"method": "POST", "mode": "no-cors"}),
            (f"{endpoints}/events", {"mode": "no-cors"}),
        ]
        with site(requests) as page:
            told = visit(page, tmp_path)

        kinds = [(kind, status) for _, kind, status, _ in told]
        names = {row["first_name"] for row in heidi.state.patient_profiles()}
        assert len(kinds) == len(requests)
        assert all(status in (0, 403) for _, status in kinds)
        assert "Stays" in names
        assert heidi.faults() == []
        assert len(heidi.control("GET", "/namespaces")["namespaces"]) == 1


def test_a_foreign_host_name_that_resolves_to_loopback_is_refused(tmp_path: Path) -> None:
    with MockHeidi() as heidi:
        port = heidi.url.rsplit(":", 1)[1]
        heidi.state.add_patient(first_name="Stays")
        # For the browser, page and control API then have one origin; only the Host header shows the foreign name.
        rebound = f"http://evil.example:{port}"
        with site([(f"{rebound}/_mock/reset", {"method": "POST"}), (f"{rebound}/_mock/state", {})]) as page:
            there = page.replace("127.0.0.1", "evil.example")
            told = visit(there, tmp_path, "--host-resolver-rules=MAP evil.example 127.0.0.1")

        assert [status for _, _, status, _ in told] == [0, 0]
        assert "Stays" in {row["first_name"] for row in heidi.state.patient_profiles()}


def test_a_local_front_end_can_use_the_api(tmp_path: Path) -> None:
    with MockHeidi() as heidi:
        key = {"headers": {"Heidi-Api-Key": heidi.api_key}}
        token = {"headers": {"Authorization": f"Bearer {heidi.token()}"}}
        fault = {"headers": {**token["headers"], "X-Mock-Fault": "status=503"}}
        requests: list[tuple[str, dict[str, Any]]] = [
            (f"{heidi.base_url}/jwt?email=a@b.example&third_party_internal_id=1", key),
            (f"{heidi.base_url}/patient-profiles", token),
            (f"{heidi.base_url}/patient-profiles", fault),
        ]
        with site(requests) as page:
            told = visit(page, tmp_path)

    assert [(kind, status) for _, kind, status, _ in told] == [("cors", 200), ("cors", 200), ("cors", 503)]


def test_a_front_end_can_trace_its_requests_and_read_the_contract(tmp_path: Path) -> None:
    with MockHeidi(cors_credentials=True) as heidi:
        signed = {"Authorization": f"Bearer {heidi.token()}"}
        traced = {**signed, "traceparent": "00-1", "baggage": "a=b", "sentry-trace": "1", "cache-control": "no-cache"}
        requests: list[tuple[str, dict[str, Any]]] = [
            (f"{heidi.base_url}/patient-profiles", {"headers": traced}),
            (f"{heidi.base_url}/patient-profiles", {"headers": signed, "credentials": "include"}),
            (f"{heidi.url}/_mock/openapi.yaml", {}),
            (f"{heidi.base_url}/patient-profiles", {"headers": {**signed, "x-tenant": "1"}}),
        ]
        with site(requests) as page:
            told = visit(page, tmp_path)
        refused = [row for row in heidi.requests() if row["method"] == "OPTIONS"]

    assert [(kind, status) for _, kind, status, _ in told] == [*[("cors", 200)] * 3, ("blocked", 0)]
    assert ["--cors-header x-tenant" in row["why"] for row in refused] == [True]
