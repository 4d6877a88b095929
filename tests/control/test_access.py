"""``GET /_mock/access``: what a client needs in order to reach a namespace."""

from typing import Any

import httpx
import pytest
from clients import Client
from helpers import another

from mock_heidi import MockHeidi
from mock_heidi.base.settings import BASE_PATH, DEFAULT_KEY


def signed_in(url: str, key: str, access: dict[str, Any]) -> int:
    query = {name: access[name] for name in ("email", "third_party_internal_id")}
    return httpx.get(f"{url}/jwt", params=query, headers={"Heidi-Api-Key": key}).status_code


def test_a_client_can_sign_in_with_what_it_gets() -> None:
    with MockHeidi() as server, server.namespace("blue") as blue:
        for heidi in (server, blue):
            access = heidi.control("GET", "/access")
            key = access["api_keys"][0]

            assert access["base_url"] == heidi.base_url
            assert signed_in(access["base_url"], key["key"], access) == 200
            assert signed_in(server.base_url, key["key_at_root"], access) == 200
        assert [len(heidi.requests()) for heidi in (server, blue)] == [2, 2]


def test_https_is_on_the_same_port() -> None:
    with MockHeidi() as heidi:
        assert heidi.control("GET", "/access")["https_base_url"] == heidi.https_base_url


@pytest.mark.parametrize("proxy", [True, False])
def test_the_proxy_is_named_if_it_is_on(proxy: bool) -> None:
    with MockHeidi(proxy=proxy) as heidi:
        assert heidi.control("GET", "/access")["proxy_url"] == (heidi.url if proxy else None)


def test_in_process_there_is_neither_https_nor_a_proxy(heidi: Client) -> None:
    access = heidi.get("/_mock/access").json()

    assert access["base_url"] == f"http://localhost{BASE_PATH}"
    assert (access["https_base_url"], access["proxy_url"]) == (None, None)


def test_the_options_that_a_client_meets_are_shown() -> None:
    with another(strict=True, coverage=True, provenance=False, request_faults=False, journal="masked") as heidi:
        access = heidi.get("/_mock/access").json()

    names = ("strict", "coverage", "provenance", "request_faults", "journal")
    assert [access[name] for name in names] == [True, True, False, False, "masked"]


def test_a_key_of_a_region_names_it(heidi: Client) -> None:
    key = {"key": "eu-key", "managed_by": "a" * 24, "ehr_provider": "x", "region": "eu"}
    assert heidi.put("/_mock/state", json={"api_keys": [key]}).status_code == 200

    assert heidi.get("/_mock/access").json()["api_keys"] == [{"key": "eu-key", "key_at_root": "eu-key", "region": "eu"}]


def test_another_page_cannot_read_the_keys(heidi: Client) -> None:
    answer = heidi.get("/_mock/access", headers={"Origin": "https://evil.example"})

    assert answer.status_code == 403
    assert DEFAULT_KEY not in answer.text
