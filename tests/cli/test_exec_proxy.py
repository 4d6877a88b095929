"""``exec --proxy`` and ``env --proxy``: clients of many languages with the host of the real service in their code.

No test can reach that service: they run without a network where the system allows it, and each client goes no further
if it finds neither the proxy nor the hook.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from fixed_host_clients import CLIENTS, NODE_MODULES, VARIABLES, FixedHostClient
from isolated import isolated
from running import MODULE, run, serving
from secure import needs_tls

from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY, ConfigError
from mock_heidi.base.vendor_hosts import REGIONS
from mock_heidi.cli.exec_command import NOTHING_PROXIED
from mock_heidi.cli.proxy_variables import no_proxy, proxy_variables
from mock_heidi.client.handle import Handle

pytestmark = [needs_tls, pytest.mark.timeout(200)]  # compilers take long on a busy machine

HOST = "registrar.api.heidihealth.com"
LOOPBACK = ["localhost", "127.0.0.1", "::1"]
# Runs its arguments with the proxy's user "checkout", then lists the namespaces.
IN_CHECKOUT = """
eval "$("$0" -m mock_heidi env --proxy --namespace checkout)"
"$@"
"$0" -m mock_heidi namespaces --json
"""
# As a client with the host in its code, without any library.
SIGN_IN = f"""
import http.client, sys
assert "mock_heidi_vendor_patches" in sys.modules
peer = http.client.HTTPSConnection("{HOST}")
path = "{BASE_PATH}/jwt?email=a%40b.example&third_party_internal_id=1"
peer.request("GET", path, headers={{"Heidi-Api-Key": "{DEFAULT_KEY}"}})
print(peer.getresponse().status)
"""


@pytest.fixture
def run_isolated(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs our command where no other machine can be reached, with a data folder whose name has a blank."""

    def run_it(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        env = {"XDG_DATA_HOME": str(tmp_path / "a folder"), "NODE_PATH": str(NODE_MODULES), **variables}
        return run(*arguments, command=isolated(*MODULE), cwd=tmp_path, env=env, patience=180)

    return run_it


RunIsolated = Callable[..., subprocess.CompletedProcess[str]]
BROKEN = ("--pace", "first=0,rate=200", "--fault", "generate_consult_note:rst_after=2,after=1")
every_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: f"{client.language} {client.library}")


@every_client
def test_a_client_with_a_fixed_host_signs_in_streams_a_note_and_meets_a_reset(
    client: FixedHostClient, run_isolated: RunIsolated
) -> None:
    client.check_installed()

    done = run_isolated("exec", "--proxy", *BROKEN, "--", *client.command)

    whole, broken = done.stdout.splitlines() or [done.stderr, ""]
    pieces, _, error = broken.partition(", ")
    assert (whole, pieces) == ("6 pieces", "2 pieces"), done.stderr
    assert error in (client.resets or [""])
    assert ("The proxy serves only" in done.stderr) == (client.way == VARIABLES)
    assert "never fired" not in done.stderr
    assert done.returncode == 0


@every_client
def test_a_client_reaches_the_namespace_that_the_user_of_the_proxy_names(
    client: FixedHostClient, run_isolated: RunIsolated
) -> None:
    client.check_installed()

    done = run_isolated("exec", "--proxy", "--", "sh", "-c", IN_CHECKOUT, sys.executable, *client.command)

    whole, again, rows = done.stdout.split("\n", 2)
    requests = {row["name"]: row["counts"]["requests"] for row in json.loads(rows)}
    assert (whole, again) == ("6 pieces", "6 pieces")
    # Java sends no user, so that the key names the namespace.
    assert requests == ({"default": 4} if client.language == "Java" else {"default": 0, "checkout": 4})


def test_these_clients_have_no_network(run_isolated: RunIsolated) -> None:
    if not isolated():
        pytest.skip("this system allows no network namespace: each client looks for the proxy or the hook itself")
    code = "import socket; print([name for _, name in socket.if_nameindex()])"

    done = run_isolated("exec", "--", sys.executable, "-c", code)

    assert done.stdout == "['lo']\n"


# --- The hook of Python -----------------------------------------------------------------------------------------------


def test_the_hook_of_python_needs_no_mock_heidi(run_isolated: RunIsolated, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", symlinks=True)
    python = str(tmp_path / "venv" / "bin" / "python")
    code = f"import importlib.util\nassert importlib.util.find_spec('mock_heidi') is None\n{SIGN_IN}"

    done = run_isolated("exec", "--proxy", "--", python, "-c", code)

    assert done.stdout == "200\n", done.stderr


def test_the_sitecustomize_of_the_user_runs_too(run_isolated: RunIsolated, tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "sitecustomize.py").write_text(f"print({name!r}, __name__)\n", encoding="utf-8")
    code = f"import sitecustomize\nprint(sitecustomize.__file__)\n{SIGN_IN}"

    path = os.pathsep.join(str(tmp_path / name) for name in ("first", "second"))

    done = run_isolated("exec", "--proxy", "--", sys.executable, "-c", code, PYTHONPATH=path)

    lines = done.stdout.splitlines()
    assert lines[-3:] == ["first sitecustomize", str(tmp_path / "first" / "sitecustomize.py"), "200"]


def test_a_sitecustomize_that_fails_is_told_as_always_and_the_hook_stays(
    run_isolated: RunIsolated, tmp_path: Path
) -> None:
    (tmp_path / "sitecustomize.py").write_text("raise ValueError('mine')\n", encoding="utf-8")

    done = run_isolated("exec", "--proxy", "--", sys.executable, "-c", SIGN_IN, PYTHONPATH=str(tmp_path))

    assert "Error in sitecustomize; set PYTHONVERBOSE for traceback:\nValueError: mine" in done.stderr
    assert done.stdout == "200\n"


@pytest.mark.parametrize(
    ("command", "is_patched"),
    [
        (("env", sys.executable), True),
        (("env", "-u", "HTTPS_PROXY", sys.executable), False),
        (("env", sys.executable, "-I"), False),
        (("env", sys.executable, "-S"), False),
    ],
    ids=["with the variables", "without them", "-I", "-S"],
)
def test_the_hook_changes_only_processes_with_its_variables(
    run_isolated: RunIsolated, command: tuple[str, ...], is_patched: bool
) -> None:
    code = "import sys; print('mock_heidi_vendor_patches' in sys.modules, any('hooks-' in at for at in sys.path))"

    done = run_isolated("exec", "--proxy", "--quiet", "--", *command, "-c", code)

    found, in_path = done.stdout.split()
    assert found == str(is_patched)
    assert in_path == str("-S" in command)
    assert done.stderr == f"mock-heidi: {NOTHING_PROXIED}\n"


def test_a_context_with_other_roots_trusts_the_mock_by_the_hook(run_isolated: RunIsolated) -> None:
    code = f"import ssl\nno_roots = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)\n{SIGN_IN}"
    code = code.replace(f'"{HOST}"', f'"{HOST}", context=no_roots')

    done = run_isolated("exec", "--proxy", "--", sys.executable, "-c", code)

    assert done.stdout == "200\n", done.stderr


def test_as_vendor_leads_to_its_heidi_beside_the_hook(run_isolated: RunIsolated) -> None:
    lines = SIGN_IN.strip().replace("\n", "\n    ")
    code = f"from mock_heidi import MockHeidi\nwith MockHeidi() as heidi, heidi.as_vendor():\n    {lines}\n"
    code += "    print(len(heidi.requests()))\n"

    done = run_isolated("exec", "--proxy", "--", sys.executable, "-c", code + SIGN_IN)

    assert done.stdout.split() == ["200", "1", "200"], done.stderr


# --- The hooks of Node and Ruby ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        ("node", "-e", f"require('node:https').get('https://{HOST}').on('error', () => console.log('unknown'))"),
        (
            "ruby",
            "-rnet/http",
            "-e",
            f"begin; Net::HTTP.get(URI('https://{HOST}')); rescue SocketError; puts 'unknown' end",
        ),
    ],
    ids=["Node", "Ruby"],
)
def test_a_hook_changes_no_process_without_its_variable(run_isolated: RunIsolated, command: tuple[str, ...]) -> None:
    if shutil.which(command[0]) is None or not isolated():
        pytest.skip(f"needs {command[0]}, and a system that allows a network namespace")

    done = run_isolated("exec", "--proxy", "--", "env", "-u", "HTTPS_PROXY", *command)

    assert done.stdout == "unknown\n", done.stderr


@pytest.mark.parametrize(
    "command",
    [
        (
            "node",
            "-e",
            "fetch('https://REGISTRAR.api.heidihealth.com./livez').then((answer) => console.log(answer.status))",
        ),
        (
            "ruby",
            "-rnet/http",
            "-e",
            "puts Net::HTTP.get_response(URI('https://REGISTRAR.api.heidihealth.com./livez')).code",
        ),
    ],
    ids=["Node", "Ruby"],
)
def test_a_hook_knows_a_host_in_any_case_and_with_a_dot(run_isolated: RunIsolated, command: tuple[str, ...]) -> None:
    if shutil.which(command[0]) is None or not isolated():
        pytest.skip(f"needs {command[0]}, and a system that allows a network namespace")

    done = run_isolated("exec", "--proxy", "--", *command)

    assert done.stdout == "200\n", done.stderr


# --- The commands -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [0, 4])
def test_exec_says_that_nothing_has_reached_the_mock(code: int) -> None:
    done = run("exec", "--proxy", "--quiet", "--", "sh", "-c", f"exit {code}")

    assert done.returncode == code
    assert done.stderr == f"mock-heidi: {NOTHING_PROXIED}\n"


def test_variants_uses_the_proxy_in_each_run(run_isolated: RunIsolated) -> None:
    done = run_isolated("variants", "--proxy", "--vary", "profile_not_found", "--", sys.executable, "-c", SIGN_IN)

    assert done.stdout.startswith("200\n"), done.stderr
    assert "profile_not_found" in done.stdout
    assert NOTHING_PROXIED not in done.stderr


def test_variants_says_that_nothing_has_reached_the_mock() -> None:
    done = run("variants", "--proxy", "--", "true")

    assert done.stderr.splitlines().count(f"mock-heidi: {NOTHING_PROXIED}") == 1


def test_env_refuses_a_server_that_is_no_proxy(tmp_path: Path) -> None:
    with serving(tmp_path) as heidi:
        done = run("env", "--proxy", "--url", heidi.url)

    assert (done.stdout, done.returncode) == ("", 1)
    assert (
        done.stderr == f"mock-heidi: the server at {heidi.url} is not a proxy; start it with mock-heidi serve --proxy\n"
    )


def test_env_prints_the_variables_before_a_server_runs() -> None:
    done = run("env", "--proxy", "--url", "http://127.0.0.1:1")

    assert "export HTTPS_PROXY=http://127.0.0.1:1" in done.stdout.splitlines()
    assert "no server answers" in done.stderr


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


def test_a_server_with_an_ipv6_address_is_refused() -> None:
    with pytest.raises(ConfigError, match="start the server with --host"):
        proxy_variables(Handle("http://[::1]:4343"))


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
        "PYTHONPATH": "/mine",
        "RUBYLIB": "/mine",
        "RUBYOPT": "-W1",
        "JAVA_TOOL_OPTIONS": "-Dx=y",
        "PHP_INI_SCAN_DIR": "/etc/php",
    }

    once = variables(heidi, before)
    twice = variables(heidi, {**before, **once})

    assert once == twice
    assert once["NODE_OPTIONS"].startswith("--trace-warnings --require ")
    assert once["RUBYOPT"] == "-W1 -rmock_heidi_hook"
    assert once["RUBYLIB"] == once["PYTHONPATH"]
    assert Path(once["PYTHONPATH"].removesuffix(f"{os.pathsep}/mine")).is_absolute()
    assert once["JAVA_TOOL_OPTIONS"].startswith('-Dx=y "-Djavax.net.ssl.trustStore=')
    assert once["PHP_INI_SCAN_DIR"].startswith(f"/etc/php{os.pathsep}/")
