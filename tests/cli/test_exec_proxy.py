"""``exec --proxy`` and ``env --proxy``: clients of many languages with the host of the real service in their code.

No test can reach that service: each client first asks for a host that does not exist, which only the proxy answers, or
looks for the hook, and goes no further without.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from running import run, serving
from secure import needs_tls

from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY, ConfigError
from mock_heidi.base.vendor_hosts import REGIONS
from mock_heidi.cli.exec_command import NOTHING_PROXIED
from mock_heidi.cli.proxy_variables import no_proxy, proxy_variables
from mock_heidi.client.handle import Handle

pytestmark = needs_tls

FIRST = "https://first.invalid/"
URL = f"https://registrar.api.heidihealth.com{BASE_PATH}/jwt?email=a%40b.example&third_party_internal_id=1"
LOOPBACK = ["localhost", "127.0.0.1", "::1"]

URLLIB = """
import urllib.error, urllib.request
try:
    urllib.request.urlopen("@FIRST@")
except urllib.error.URLError as error:
    assert "502" in str(error), error
print(urllib.request.urlopen(urllib.request.Request("@URL@", headers={"Heidi-Api-Key": "@KEY@"})).status)
"""
REQUESTS = """
import requests
try:
    requests.get("@FIRST@")
except requests.exceptions.ProxyError as error:
    assert "502" in str(error), error
    print(requests.get("@URL@", headers={"Heidi-Api-Key": "@KEY@"}).status_code)
"""
HTTPX = """
import httpx
try:
    httpx.get("@FIRST@")
except httpx.ProxyError as error:
    assert "502" in str(error), error
    print(httpx.get("@URL@", headers={"Heidi-Api-Key": "@KEY@"}).status_code)
"""
CURL = """
curl -sS '@FIRST@' 2>&1 | grep -q 502 || exit 9
curl -s -o /dev/null -w '%{http_code}' -H 'Heidi-Api-Key: @KEY@' '@URL@'
"""
FETCH = """
const net = require('node:net');
if (!String(net.Socket.prototype.connect).includes('HTTPS_PROXY')) process.exit(9);
fetch('@URL@', { headers: { 'Heidi-Api-Key': '@KEY@' } }).then((answer) => console.log(answer.status));
"""
NODE_HTTPS = """
const net = require('node:net');
if (!String(net.Socket.prototype.connect).includes('HTTPS_PROXY')) process.exit(9);
require('node:https').get('@URL@', { headers: { 'Heidi-Api-Key': '@KEY@' } }, (answer) => {
  console.log(answer.statusCode);
  answer.resume();
});
"""
RUBY = """
require 'net/http'
exit 9 unless defined?(MockHeidiHook)
puts Net::HTTP.get_response(URI('@URL@'), { 'Heidi-Api-Key' => '@KEY@' }).code
"""
PHP = """
$first = curl_init('@FIRST@');
curl_setopt($first, CURLOPT_RETURNTRANSFER, true);
curl_exec($first);
if (!str_contains(curl_error($first), '502')) exit(9);
$client = curl_init('@URL@');
curl_setopt_array($client, [CURLOPT_RETURNTRANSFER => true, CURLOPT_HTTPHEADER => ['Heidi-Api-Key: @KEY@']]);
curl_exec($client);
echo curl_getinfo($client, CURLINFO_RESPONSE_CODE);
"""
JAVA = """
import java.net.URI;
import java.net.http.*;
import java.net.http.HttpResponse.BodyHandlers;

public class Client {
    public static void main(String[] args) throws Exception {
        HttpClient client = HttpClient.newHttpClient();
        try {
            client.send(HttpRequest.newBuilder(URI.create("@FIRST@")).build(), BodyHandlers.ofString());
        } catch (java.io.IOException error) {
            if (!error.toString().contains("502")) System.exit(9);
            HttpRequest request = HttpRequest.newBuilder(URI.create("@URL@")).header("Heidi-Api-Key", "@KEY@").build();
            System.out.println(client.send(request, BodyHandlers.ofString()).statusCode());
        }
    }
}
"""
GO = """
package main

import (
    "fmt"
    "net/http"
    "os"
    "strings"
)

func main() {
    if _, err := http.Get("@FIRST@"); err == nil || !strings.Contains(err.Error(), "serves only") {
        fmt.Println(err)
        os.Exit(9)
    }
    request, _ := http.NewRequest("GET", "@URL@", nil)
    request.Header.Set("Heidi-Api-Key", "@KEY@")
    answer, err := http.DefaultClient.Do(request)
    if err != nil {
        panic(err)
    }
    fmt.Println(answer.StatusCode)
}
"""
# The program, the name of the file, and the code of each client.
CLIENTS = {
    "urllib": ((sys.executable,), "client.py", URLLIB),
    "requests": ((sys.executable,), "client.py", REQUESTS),
    "httpx": ((sys.executable,), "client.py", HTTPX),
    "curl": (("sh",), "client.sh", CURL),
    "node fetch": (("node",), "client.cjs", FETCH),
    "node https": (("node",), "client.cjs", NODE_HTTPS),
    "ruby": (("ruby",), "client.rb", RUBY),
    "php": (("php",), "client.php", f"<?php {PHP}"),
    "java": (("java",), "Client.java", JAVA),
    "go": (("go", "run"), "client.go", GO),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_with_a_fixed_host_reaches_the_mock(name: str, tmp_path: Path) -> None:
    command, file, code = CLIENTS[name]
    for program in (command[0], *(["curl"] if name == "curl" else [])):
        if shutil.which(program) is None:
            pytest.skip(f"{program} is not installed")
    if name == "php" and not _has_curl():
        pytest.skip("PHP has no curl")
    _write(tmp_path / file, code)

    done = run("exec", "--proxy", "--", *command, file, cwd=tmp_path, patience=180)

    assert (done.stdout.strip(), done.returncode) == ("200", 0), done.stderr
    assert NOTHING_PROXIED not in done.stderr


STREAM_OF_REQUESTS = """
import requests
try:
    requests.get("@FIRST@")
except requests.exceptions.ProxyError:
    client = requests.Session()
    token = client.get("@URL@", headers={"Heidi-Api-Key": "@KEY@"}).json()["token"]
    client.headers["Authorization"] = f"Bearer {token}"
    session = client.post("@BASE@/sessions").json()["session_id"]
    for fault in ("end_after=2", "rst_after=1"):
        asked = {"ai_command_text": "Summarise", "content": "One. Two.", "content_type": "MARKDOWN"}
        url = f"@BASE@/sessions/{session}/ask-ai"
        with client.post(url, json=asked, headers={"X-Mock-Fault": fault}, stream=True) as answer:
            pieces = 0
            try:
                for line in answer.iter_lines():
                    pieces += line.startswith(b"data:")
                print(pieces, "complete")
            except requests.RequestException:
                print(pieces, "broken")
"""
STREAM_OF_FETCH = """
const net = require('node:net');
if (!String(net.Socket.prototype.connect).includes('HTTPS_PROXY')) process.exit(9);
async function main() {
  const { token } = await (await fetch('@URL@', { headers: { 'Heidi-Api-Key': '@KEY@' } })).json();
  const headers = { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' };
  const { session_id } = await (await fetch('@BASE@/sessions', { method: 'POST', headers })).json();
  const body = JSON.stringify({ ai_command_text: 'Summarise', content: 'One. Two.', content_type: 'MARKDOWN' });
  for (const fault of ['end_after=2', 'rst_after=1']) {
    const asked = { method: 'POST', headers: { ...headers, 'X-Mock-Fault': fault }, body };
    const answer = await fetch(`@BASE@/sessions/${session_id}/ask-ai`, asked);
    let text = '';
    let how = 'complete';
    try {
      for await (const piece of answer.body) text += Buffer.from(piece).toString();
    } catch {
      how = 'broken';
    }
    console.log(text.split('data:').length - 1, how);
  }
}
main();
"""


@pytest.mark.parametrize(
    ("program", "file", "code"),
    [(sys.executable, "client.py", STREAM_OF_REQUESTS), ("node", "client.cjs", STREAM_OF_FETCH)],
    ids=["requests", "node fetch"],
)
def test_a_client_with_a_fixed_host_streams_and_meets_a_reset(
    program: str, file: str, code: str, tmp_path: Path
) -> None:
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    _write(tmp_path / file, code)

    done = run("exec", "--proxy", "--pace", "first=0,rate=50", "--", program, file, cwd=tmp_path, patience=180)

    assert done.stdout.splitlines() == ["2 complete", "1 broken"]


def _write(path: Path, code: str) -> None:
    for mark, value in {
        "@FIRST@": FIRST,
        "@URL@": URL,
        "@BASE@": URL.partition("/jwt")[0],
        "@KEY@": DEFAULT_KEY,
    }.items():
        code = code.replace(mark, value)
    path.write_text(code, encoding="utf-8")


def _has_curl() -> bool:
    return "curl" in subprocess.run(["php", "-m"], capture_output=True, text=True, check=False).stdout  # noqa: S607


@pytest.mark.parametrize("code", [0, 4])
def test_exec_says_that_nothing_has_reached_the_mock(code: int) -> None:
    done = run("exec", "--proxy", "--quiet", "--", "sh", "-c", f"exit {code}")

    assert done.returncode == code
    assert done.stderr == f"mock-heidi: {NOTHING_PROXIED}\n"


def test_exec_without_a_proxy_sets_no_variable_of_one() -> None:
    done = run("exec", "--", "env", env={"HTTPS_PROXY": "", "NODE_OPTIONS": ""})

    assert "mock_heidi/clients" not in done.stdout
    assert "127.0.0.1,::1" not in done.stdout


def test_env_prints_the_same_variables_for_a_namespace(tmp_path: Path) -> None:
    with serving(tmp_path, "--proxy") as heidi:
        url = heidi.base_url.removesuffix(BASE_PATH)
        done = run("env", "--proxy", "--direct", "pypi.example", "--namespace", "checkout", "--json", "--url", url)
        shell = run("env", "--proxy", "--url", url)

    told = json.loads(done.stdout)
    assert told["HTTPS_PROXY"] == url.replace("//", "//checkout:x@")
    assert told["NO_PROXY"].endswith("pypi.example")
    assert f"export HTTPS_PROXY={shlex.quote(url)}" in shell.stdout.splitlines()


# --- The variables ----------------------------------------------------------------------------------------------------


@pytest.fixture
def heidi() -> Handle:
    """A handle of a server that does not run."""
    return Handle("http://127.0.0.1:4343")


def variables(heidi: Handle, before: Mapping[str, str]) -> dict[str, str]:
    return proxy_variables(heidi, (), before)


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize(
    "entry",
    [
        *REGIONS,
        "*",
        "com",
        ".com",
        "heidihealth.com",
        ".heidihealth.com",
        "*.heidihealth.com",
        "API.HeidiHealth.com",
        "registrar.api.heidihealth.com:443",
        "health.com",
        ".",
        "heidihealth.com.",
    ],
)
def test_entries_that_let_the_real_service_pass_are_dropped(name: str, entry: str) -> None:
    assert no_proxy((), {name: f"a.example, {entry},10.0.0.0/8"}) == ["a.example", "10.0.0.0/8", *LOOPBACK]


def test_other_entries_stay_and_loopback_is_added() -> None:
    before = {"NO_PROXY": "a.example,::1", "no_proxy": "b.example a.example"}

    assert no_proxy(["c.example"], before) == ["a.example", "::1", "b.example", "localhost", "127.0.0.1", "c.example"]


@pytest.mark.parametrize("host", ["au.api.heidihealth.com", "*", ".heidihealth.com"])
def test_the_real_service_cannot_be_reached_directly(host: str) -> None:
    with pytest.raises(ConfigError, match="--direct"):
        no_proxy([host], {})


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"])
def test_a_bundle_begins_with_the_roots_of_the_user(heidi: Handle, name: str, tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_bytes(b"# ours\n-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n")

    made = Path(variables(heidi, {name: str(own)})[name]).read_bytes()

    assert made == own.read_bytes() + Path(heidi.ca).read_bytes()


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_a_bundle_begins_with_the_roots_of_the_system_else(heidi: Handle, name: str) -> None:
    made = Path(variables(heidi, {})[name]).read_text(encoding="utf-8")

    assert made.endswith(Path(heidi.ca).read_text(encoding="ascii"))
    assert made.count("BEGIN CERTIFICATE") > 10


def test_node_adds_to_its_own_roots(heidi: Handle) -> None:
    assert Path(variables(heidi, {})["NODE_EXTRA_CA_CERTS"]).read_bytes() == Path(heidi.ca).read_bytes()


def test_what_the_variables_say_before_is_kept_and_nothing_is_added_twice(heidi: Handle) -> None:
    before = {
        "NODE_OPTIONS": "--trace-warnings",
        "RUBYOPT": "-W1",
        "JAVA_TOOL_OPTIONS": "-Dx=y",
        "PHP_INI_SCAN_DIR": "/etc/php",
    }

    once = variables(heidi, before)
    twice = variables(heidi, {**before, **once})

    assert once == twice
    assert once["NODE_OPTIONS"].startswith("--trace-warnings --require ")
    assert once["RUBYOPT"].startswith("-W1 -r/")
    assert once["JAVA_TOOL_OPTIONS"].startswith('-Dx=y "-Djavax.net.ssl.trustStore=')
    assert once["PHP_INI_SCAN_DIR"].startswith(f"/etc/php{os.pathsep}/")
