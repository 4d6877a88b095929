"""The linked account: the Heidi user that belongs to a user of the API.

- ``POST /users/linked-account`` → ``{"account": {…}}``: :data:`shapes.LINKED_ACCOUNT`
- ``DELETE /users/linked-account:unlink`` → ``{"is_success": true}``
- ``GET /users/linked-account/access`` → :data:`shapes.ACCOUNT_ACCESS`
"""

from collections.abc import Iterator
from typing import Any

import pytest
import shapes
from clients import NOON, Client
from helpers import KEY_TWO, NOON_STAMP, SUCCESS, another, answered, settled, wire

from mock_heidi.base.settings import DEFAULT_EMAIL

LINK, UNLINK, ACCESS = "/users/linked-account", "/users/linked-account:unlink", "/users/linked-account/access"
# Accounts that the key knows: one linked to Dr Okafor, one free.
TAKEN, FREE = "kp_465a5b904021058d98e273a3304adafe", "kp_c2487b8e79e3413e8cd590ec43d41c9a"
UNLINKED = shapes.ACCOUNT_ACCESS.unset()


def account(_id: str, user_id: str, **own: Any) -> dict[str, Any]:
    """The account of the default user as linking answers it, with the given values changed."""
    times = {"created_at": NOON_STAMP, "updated_at": NOON_STAMP}
    return shapes.LINKED_ACCOUNT.unset("link_account", _id=_id, user_id=user_id, **times | own)


def access(user_id: str, heidi_email: str, plan: str) -> dict[str, Any]:
    summary = shapes.LINKED_ACCOUNT.unset("get_account_access", user_id=user_id)
    return shapes.ACCOUNT_ACCESS.unset(
        is_linked=True, account=summary, heidi_email=heidi_email, linked_account_plan=plan
    )


def already(kinde_user_id: str) -> tuple[int, str]:
    msg = f"Heidi account with user_id {kinde_user_id} already linked to an OpenAPI User"
    return 409, wire({"detail": {"msg": msg, "type": "OpenAPIHeidiAccountAlreadyLinkedError"}})


def link(client: Client, kinde_user_id: str = FREE) -> str:
    """Link the client's user and return the account's id."""
    _id: str = client.post(LINK, json={"kinde_user_id": kinde_user_id}).json()["account"]["_id"]
    return _id


@pytest.fixture
def colleague(heidi: Client) -> Iterator[Client]:
    """Another user of the same key."""
    client = Client(heidi.app)
    client.sign_in(email="colleague@example.org", third="other")
    yield client
    client.close()


@pytest.fixture
def second(heidi: Client) -> Iterator[Client]:
    """The same person under the other API key."""
    client = Client(heidi.app)
    client.sign_in(key=KEY_TWO)
    yield client
    client.close()


# --- Link -------------------------------------------------------------------------------------------------------------


def test_linking_answers_the_documented_keys_in_order(heidi: Client) -> None:
    answer = heidi.post(LINK, json={"kinde_user_id": FREE})

    _id = answer.json()["account"]["_id"]
    assert answered(answer) == (200, wire({"account": account(_id, FREE)}))
    # 24 hex digits that begin with the time of creation.
    assert (len(_id), int(_id[:8], 16)) == (24, 1736164800)


def test_a_new_user_is_not_linked(heidi: Client) -> None:
    assert answered(heidi.get(ACCESS)) == (200, wire(UNLINKED))


def test_access_shows_the_address_and_plan_of_the_heidi_user(heidi: Client) -> None:
    link(heidi)

    assert answered(heidi.get(ACCESS)) == (200, wire(access(FREE, "test.clinician@example.com", "PRO")))


@pytest.mark.parametrize("kinde_user_id", ["kp_xxx", "x", "a b", " ", "Zoë\n"])
def test_an_unknown_id_links_to_an_invented_account(heidi: Client, kinde_user_id: str) -> None:
    answer = heidi.post(LINK, json={"kinde_user_id": kinde_user_id})

    assert answered(answer) == (200, wire({"account": account(answer.json()["account"]["_id"], kinde_user_id)}))
    expected = access(kinde_user_id, f"{kinde_user_id}@heidi.example", "FREE")
    assert answered(heidi.get(ACCESS)) == (200, wire(expected))


def test_an_invented_account_is_part_of_the_state(heidi: Client) -> None:
    link(heidi, "kp_xxx")
    before, shown = heidi.state(), heidi.get(ACCESS).text

    heidi.post("/_mock/reset")
    put = heidi.put("/_mock/state", json=before)

    assert (put.status_code, heidi.state(), heidi.get(ACCESS).text) == (200, before, shown)


@pytest.mark.parametrize("again", [FREE, "kp_other", TAKEN])
def test_a_user_cannot_be_linked_twice(heidi: Client, again: str) -> None:
    link(heidi)
    before = heidi.state()

    answer = heidi.post(LINK, json={"kinde_user_id": again})

    assert answered(answer) == already(again)
    assert heidi.state() == before


@pytest.mark.parametrize("taken", [TAKEN, "kp_new"])
def test_an_account_cannot_be_linked_to_two_users_of_a_key(heidi: Client, colleague: Client, taken: str) -> None:
    if taken != TAKEN:
        link(colleague, taken)
    before = settled(heidi)

    answer = heidi.post(LINK, json={"kinde_user_id": taken})

    assert answered(answer) == already(taken)
    assert heidi.state() == before


def test_a_link_is_invisible_to_another_key(heidi: Client, second: Client) -> None:
    link(heidi)

    unlinked = answered(second.get(ACCESS))
    answer = second.post(LINK, json={"kinde_user_id": FREE})

    assert unlinked == (200, wire(UNLINKED))
    expected = account(answer.json()["account"]["_id"], FREE, ehr_provider="Northside EHR")
    assert answered(answer) == (200, wire({"account": expected}))


def test_a_link_belongs_to_a_pair_of_email_and_third_party_id(heidi: Client) -> None:
    link(heidi)

    heidi.sign_in(third="124")
    other = heidi.get(ACCESS).json()["is_linked"]
    heidi.sign_in()

    assert (other, heidi.get(ACCESS).json()["is_linked"]) == (False, True)


@pytest.mark.parametrize(
    ("content", "row"),
    [
        (b"", {"type": "missing", "loc": ["body"], "msg": "Field required", "input": None}),
        (b"{}", {"type": "missing", "loc": ["body", "kinde_user_id"], "msg": "Field required", "input": {}}),
        (
            b'{"kinde_user_id": 5}',
            {
                "type": "string_type",
                "loc": ["body", "kinde_user_id"],
                "msg": "Input should be a valid string",
                "input": 5,
            },
        ),
        (
            b'{"kinde_user_id": ""}',
            {
                "type": "string_too_short",
                "loc": ["body", "kinde_user_id"],
                "msg": "String should have at least 1 character",
                "input": "",
                "ctx": {"min_length": 1},
            },
        ),
        # The vendor's page prints this body by mistake; it is not valid JSON.
        (
            b'{"kinde_user_id": "kp_xxx",}',
            {
                "type": "json_invalid",
                "loc": ["body", 27],
                "msg": "JSON decode error",
                "input": {},
                "ctx": {"error": "Expecting property name enclosed in double quotes"},
            },
        ),
    ],
)
def test_a_body_without_an_account_id_is_refused(heidi: Client, content: bytes, row: dict[str, Any]) -> None:
    before = settled(heidi)

    answer = heidi.post(LINK, content=content)

    if row["type"] == "json_invalid":  # the position of an extra comma differs between versions of Python
        found = answer.json()["detail"][0]
        row = {**row, "loc": found["loc"], "ctx": found["ctx"]}
    assert answered(answer) == (422, wire({"detail": [row]}))
    assert heidi.state() == before


# --- Unlink -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("options", [{}, {"headers": {"Content-Type": "application/json"}}, {"content": b"{no JSON"}])
def test_unlinking_ignores_the_body(heidi: Client, options: dict[str, Any]) -> None:
    link(heidi)

    answer = heidi.delete(UNLINK) if not options else heidi.request("DELETE", UNLINK, **options)

    assert answered(answer) == (200, wire(SUCCESS))
    assert answered(heidi.get(ACCESS)) == (200, wire(UNLINKED))


def test_unlinking_forgets_the_account(heidi: Client) -> None:
    heidi.token()
    before = heidi.state()["api_keys"][0]["users"]
    link(heidi)

    heidi.delete(UNLINK)

    assert heidi.state()["api_keys"][0]["users"] == before


def test_unlinking_without_a_link_succeeds_and_changes_nothing(heidi: Client) -> None:
    before = settled(heidi)

    assert answered(heidi.delete(UNLINK)) == (200, wire(SUCCESS))
    assert heidi.state() == before


def test_an_unlinked_account_can_be_linked_again(heidi: Client, colleague: Client) -> None:
    first = link(heidi)
    heidi.delete(UNLINK)

    mine = link(colleague)
    refused = heidi.post(LINK, json={"kinde_user_id": FREE})
    colleague.delete(UNLINK)
    again = link(heidi)

    assert answered(refused) == already(FREE)
    assert len({first, mine, again}) == 3


# --- Links made in Heidi ----------------------------------------------------------------------------------------------


def test_a_link_set_through_the_control_api_is_a_link(heidi: Client) -> None:
    heidi.token()
    heidi.put(f"/_mock/users/{DEFAULT_EMAIL}/link", json={"kinde_user_id": "kp_1", "linked_account_plan": "TEAM"})

    linked = answered(heidi.get(ACCESS))
    refused = answered(heidi.post(LINK, json={"kinde_user_id": "kp_1"}))
    heidi.delete(f"/_mock/users/{DEFAULT_EMAIL}/link")

    assert linked == (200, wire(access("kp_1", "kp_1@heidi.example", "TEAM")))
    assert refused == already("kp_1")
    assert answered(heidi.get(ACCESS)) == (200, wire(UNLINKED))


def test_a_server_can_start_with_a_linked_user() -> None:
    with another(linked=True) as heidi:
        shown = heidi.get(ACCESS)
        unlinked = heidi.delete(UNLINK)
        heidi.post("/_mock/reset")
        again = heidi.get(ACCESS)

    assert answered(shown) == (200, wire(access(FREE, "test.clinician@example.com", "PRO")))
    assert (unlinked.text, again.text) == (wire(SUCCESS), shown.text)


def test_the_times_of_an_account_come_from_the_mock_clock(heidi: Client) -> None:
    heidi.token()
    heidi.post("/_mock/clock/advance", json={"seconds": 90.5})

    answer = heidi.post(LINK, json={"kinde_user_id": FREE})

    assert answer.json()["account"]["created_at"] == f"{NOON[:-5]}01:30.500000"
