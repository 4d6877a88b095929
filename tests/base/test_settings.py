"""Invalid settings are refused at the start, in one line."""

from typing import Any

import pytest
from clients import NOON

from mock_heidi.app import create_app
from mock_heidi.base.settings import ConfigError, Settings


@pytest.mark.parametrize("key", ["", "a b", "a\nb", "schlüssel"])
def test_a_key_that_a_header_cannot_hold_is_refused_at_the_start(key: str) -> None:
    with pytest.raises(ConfigError, match="api key"):
        create_app(api_key=key)


@pytest.mark.parametrize(
    "options",
    [
        {"cors_origins": "https://app.example.com"},
        {"cors_origins": ("foo",)},
        {"admin_origins": ("app.example.com/path",)},
        {"allowed_hosts": ("http://x",)},
        {"max_namespaces": 0},
        {"request_faults": "no"},
        {"cors_credentials": 1},
        {"cors_headers": "X-Own"},
        {"cors_headers": ("X-Own: 1",)},
    ],
)
def test_an_invalid_setting_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        create_app(**options)


HALF = "\ud800"


@pytest.mark.parametrize(
    "options",
    [
        {"fixtures": {"patient_profiles": [{"first_name": HALF}]}},
        {"fixtures": {"replies": [{"operation": "get_session", "body": {"a": [{HALF: 1}]}}]}},
        {"fixtures": {"faults": [{"operation": "get_session", "status": 503, "detail": HALF}]}},
        {"faults": ({"status": 503, "match": {"a": HALF}},)},
        {"faults": (f"get_session:not_json={HALF}",)},
        {"scenario": HALF},
        {"api_key": HALF},
        {"cors_origins": (f"http://{HALF}",)},
    ],
    ids=["fixture", "reply", "fault fixture", "fault", "fault as text", "scenario", "api key", "origin"],
)
def test_text_that_utf_8_cannot_hold_is_refused_at_the_start(options: dict[str, Any]) -> None:
    [name] = options

    with pytest.raises(ConfigError, match=f"^{name}: contains a lone surrogate") as caught:
        create_app(**options)

    assert str(caught.value).encode()


@pytest.mark.parametrize("folder", [f"/tmp/{HALF}", "/tmp/a\0b"])  # noqa: S108 - nothing is there
def test_an_impossible_folder_name_is_refused_in_one_line(folder: str) -> None:
    with pytest.raises(ConfigError, match=r"^fixtures: cannot read"):
        create_app(fixtures=folder)


def test_settings_and_options_cannot_be_combined() -> None:
    with pytest.raises(ConfigError, match="not both"):
        create_app(Settings(), clock=NOON)
