"""compose.yaml: an app that reaches the mock by the host of the vendor."""

import shlex
from typing import Any

import yaml
from containerfile import CONTAINERFILE, arguments
from known_commands import commands
from paths import ROOT

COMPOSE = ROOT / "compose.yaml"


def service(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"][name]
    return found


def test_the_app_reaches_the_mock_by_the_name_of_the_vendor() -> None:
    app, heidi = service("app"), service("heidi")
    (alias,) = heidi["networks"]["default"]["aliases"]

    assert app["environment"]["HEIDI_BASE_URL"] == f"https://{alias}/api/v2/ml-scribe/open-api"
    assert heidi["environment"]["MOCK_HEIDI_ALLOWED_HOST"].split() == [alias, "heidi"]
    assert app["environment"]["MOCK_HEIDI_URL"] == "http://heidi:4343"


def test_the_service_has_the_settings_of_a_careful_container() -> None:
    heidi = service("heidi")

    assert (heidi["read_only"], heidi["cap_drop"]) == (True, ["ALL"])
    assert heidi["build"]["dockerfile"] == CONTAINERFILE.name
    assert heidi["environment"]["MOCK_HEIDI_ADMIN_TOKEN"] == service("app")["environment"]["MOCK_HEIDI_ADMIN_TOKEN"]


def test_every_command_and_setting_of_the_service_exists() -> None:
    heidi, known = service("heidi"), commands()
    serve = heidi["command"]

    assert serve[0] == "serve"
    known["serve"].make_context("serve", serve[1:])
    assert set(heidi["environment"]) <= {parameter.envvar for parameter in known["serve"].params}


def test_both_ports_are_served_and_the_certificate_is_made_before_the_app_starts() -> None:
    heidi, app, known = service("heidi"), service("app"), commands()
    checks = [shlex.split(part) for part in heidi["healthcheck"]["test"].split("&&")]
    volume, _, folder = heidi["volumes"][0].partition(":")
    (shared,) = [one for one in app["volumes"] if one.startswith(f"{volume}:")]
    parsed = known["serve"].make_context("serve", heidi["command"][1:])
    certificates = {value for name, value in app["environment"].items() if "CERT" in name or "CA_BUNDLE" in name}

    ports = [value for value in parsed.params.values() if isinstance(value, tuple) and 443 in value]

    assert ports == [(4343, 443)]
    assert [command[1] for command in checks] == ["ca", "wait"]
    for _, name, *options in checks:
        known[name].make_context(name, options)
    assert f"MOCK_HEIDI_DATA={folder}" in arguments("ENV")[0]
    assert certificates == {f"{shared.split(':')[1]}/ca.pem"}
    assert app["depends_on"]["heidi"]["condition"] == "service_healthy"
