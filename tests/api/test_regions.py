"""API keys of a region: at the host of another region, the key is unknown and its tokens are invalid."""

import re
from collections.abc import Iterator
from typing import Any, get_args

import pytest
from clients import JOHN, Client
from helpers import INVALID_KEY, INVALID_TOKEN, another, answered, in_namespace, wire
from paths import ROOT

from mock_heidi.base.settings import ConfigError
from mock_heidi.base.vendor_hosts import HOSTS
from mock_heidi.fixtures.loader import load
from mock_heidi.state.field_types import Region

WHO = {"email": "a@b.example", "third_party_internal_id": "1"}
KEYS: list[dict[str, Any]] = [
    {"key": "everywhere", "ehr_provider": "P", "managed_by": JOHN},
    {"key": "australian", "ehr_provider": "P", "managed_by": JOHN, "region": "au"},
    {"key": "for-tests", "ehr_provider": "T", "managed_by": "c" * 24, "region": "testing"},
]
HERE = [None, "localhost:4343", "127.0.0.1", "heidi.test"]


@pytest.fixture
def heidi() -> Iterator[Client]:
    with another(fixtures={"api_keys": KEYS, "sessions": []}, allowed_hosts=("heidi.test",)) as client:
        yield client


def host_header(host: str | None) -> dict[str, str]:
    return {} if host is None else {"Host": host}


def sign_in(client: Client, key: str, host: str | None) -> Any:
    headers = {"Heidi-Api-Key": key, **host_header(host)}
    return client.get("/jwt", signed=False, params=WHO, headers=headers)


def read(client: Client, token: str, host: str | None) -> Any:
    headers = {"Authorization": f"Bearer {token}", **host_header(host)}
    return client.get("/patient-profiles", headers=headers)


def test_the_regions_of_keys_and_of_the_docs_are_those_of_the_hosts() -> None:
    page = (ROOT / "docs" / "access.md").read_text(encoding="utf-8")

    assert list(get_args(Region)) == list(HOSTS)
    assert re.findall(r"^\| `(\w+)` \| `([\w.]+)` \|$", page, re.MULTILINE) == list(HOSTS.items())


@pytest.mark.parametrize("host", [*HERE, *HOSTS.values()])
def test_a_key_without_a_region_opens_every_host(heidi: Client, host: str | None) -> None:
    answer = sign_in(heidi, "everywhere", host)

    assert answer.status_code == 200
    assert all(read(heidi, answer.json()["token"], other).status_code == 200 for other in HOSTS.values())


@pytest.mark.parametrize("host", [*HERE, "au.api.heidihealth.com", "AU.API.heidihealth.com:443"])
def test_a_key_of_a_region_opens_its_own_host_and_the_names_of_this_machine(heidi: Client, host: str | None) -> None:
    answer = sign_in(heidi, "australian", host)

    assert answer.status_code == 200
    assert read(heidi, answer.json()["token"], host).status_code == 200
    assert "x-mock-reason" not in answer.headers


@pytest.mark.parametrize("region", [region for region in HOSTS if region != "au"])
def test_a_key_is_unknown_at_the_host_of_another_region(heidi: Client, region: str) -> None:
    before = heidi.state()

    answer = sign_in(heidi, "australian", HOSTS[region])

    assert answered(answer) == (401, wire(INVALID_KEY))
    assert answer.headers["x-mock-reason"] == (
        f"the API key belongs to the region au, but this host to {region}; send it to au.api.heidihealth.com"
    )
    assert heidi.state() == before


def test_a_token_is_invalid_at_the_host_of_another_region(heidi: Client) -> None:
    token = sign_in(heidi, "australian", None).json()["token"]

    answer = read(heidi, token, "us.api.heidihealth.com:443")

    assert answered(answer) == (401, wire(INVALID_TOKEN))
    assert answer.headers["x-mock-reason"] == (
        "the token belongs to the region au, but this host to us; send it to au.api.heidihealth.com"
    )


def test_the_region_of_a_token_is_that_of_its_key_and_not_of_its_account(heidi: Client) -> None:
    token = sign_in(heidi, "everywhere", "us.api.heidihealth.com").json()["token"]

    assert read(heidi, token, "eu.api.heidihealth.com").status_code == 200


def test_regions_hold_in_every_namespace(heidi: Client) -> None:
    assert sign_in(heidi, "for-tests.blue", "au.api.heidihealth.com").status_code == 401
    token = sign_in(heidi, "for-tests.blue", "registrar.api.heidihealth.com").json()["token"]
    blue = in_namespace(heidi, "blue")

    assert read(blue, token, "au.api.heidihealth.com").status_code == 401
    assert read(blue, token, "registrar.api.heidihealth.com").status_code == 200
    blue.close()


def test_a_refused_key_makes_no_namespace(heidi: Client) -> None:
    sign_in(heidi, "for-tests.blue", "au.api.heidihealth.com")

    assert [row["name"] for row in heidi.get("/_mock/namespaces").json()["namespaces"]] == ["default"]


def test_the_reason_is_in_the_journal(heidi: Client) -> None:
    answer = sign_in(heidi, "australian", "us.api.heidihealth.com")
    (row,) = heidi.get("/_mock/requests").json()["requests"]

    assert row["why"] == answer.headers["x-mock-reason"]
    assert row["stray"] is False


def test_an_unknown_key_at_the_hosts_of_the_service_has_the_usual_reason(heidi: Client) -> None:
    answer = sign_in(heidi, "sesame", "us.api.heidihealth.com")

    assert answer.headers["x-mock-reason"].startswith("unknown API key: ")


def test_an_unknown_path_has_its_own_reason(heidi: Client) -> None:
    token = sign_in(heidi, "australian", None).json()["token"]
    headers = {"Authorization": f"Bearer {token}", "Host": "us.api.heidihealth.com"}

    assert "region" not in heidi.get("/session", headers=headers).headers["x-mock-reason"]


def test_an_exported_state_keeps_the_regions(heidi: Client) -> None:
    rows = heidi.state()["api_keys"]

    assert [row["region"] for row in rows] == [None, "au", "testing"]


def test_an_unknown_region_is_a_mistake_of_the_fixtures() -> None:
    with pytest.raises(ConfigError, match=r"api_keys\[0\]\.region: Input should be 'testing', 'au', .*, not 'nz'"):
        load({"api_keys": [{**KEYS[0], "region": "nz"}]})
