"""``GET /sessions/linked-user``: the sessions that users linked to one Heidi account have made, newest first.

A page is :data:`shapes.SESSION_PAGE` with whole sessions; 400 for a user who is not linked.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import shapes
from clients import JOHN, Client
from helpers import KEY_TWO, NO_LINKED_USER, SESSION, answered, settled, wire

PATH = "/sessions/linked-user"
EMPTY = shapes.SESSION_PAGE.unset()


def link(client: Client, kinde_user_id: str = "kp_xxx") -> None:
    client.post("/users/linked-account", json={"kinde_user_id": kinde_user_id})


def made(client: Client, count: int = 1) -> list[str]:
    """Create sessions one second apart and return their ids, newest first."""
    ids = []
    for _ in range(count):
        ids.append(client.post("/sessions", json={"patient_profile_id": JOHN}).json()["session_id"])
        client.post("/_mock/clock/advance", json={"seconds": 1})
    return ids[::-1]


def listed(client: Client, query: str = "") -> list[str]:
    return [row["session_id"] for row in client.get(PATH + query).json()["sessions"]]


@pytest.fixture
def mara(heidi: Client) -> Iterator[Client]:
    """The one user who is linked from the start."""
    client = Client(heidi.app)
    client.sign_in(email="dr.mara.okafor@example.com", third="clinician-7")
    yield client
    client.close()


def test_a_user_who_is_not_linked_is_refused(heidi: Client) -> None:
    made(heidi)
    before = heidi.state()

    answer = heidi.get(PATH)

    assert answered(answer) == (400, wire(NO_LINKED_USER))
    assert heidi.state() == before


def test_a_user_who_was_unlinked_is_refused_again(heidi: Client) -> None:
    link(heidi)
    heidi.delete("/users/linked-account:unlink")

    assert answered(heidi.get(PATH)) == (400, wire(NO_LINKED_USER))


def test_a_linked_user_without_sessions_gets_an_empty_page(heidi: Client) -> None:
    link(heidi)

    assert answered(heidi.get(PATH)) == (200, wire(EMPTY))


def test_the_list_contains_sessions_created_before_the_link(heidi: Client) -> None:
    ids = made(heidi)
    link(heidi)

    assert listed(heidi) == ids


def test_each_row_is_the_whole_session_as_get_answers_it(heidi: Client) -> None:
    link(heidi)
    ids = made(heidi, 2)
    heidi.patch(f"/sessions/{ids[0]}", json={"clinician_notes": ["**one**"], "linked_sessions_for_context": ["1"]})

    answer = heidi.get(PATH)

    rows = [heidi.get(f"/sessions/{session_id}").json()["session"] for session_id in ids]
    page = shapes.SESSION_PAGE.unset(sessions=rows, count=2, total_count=2)
    assert answered(answer) == (200, wire(page))


def test_the_newest_session_comes_first(mara: Client) -> None:
    rows = mara.get(f"{PATH}?page_size=200").json()["sessions"]

    times = [row["created_at"] for row in rows]
    assert times == sorted(times, reverse=True)
    assert len(set(times)) == len(times) == 13


def test_the_last_of_several_sessions_created_at_one_time_comes_first(heidi: Client) -> None:
    link(heidi)
    ids = [heidi.post("/sessions").json()["session_id"] for _ in range(5)]

    assert listed(heidi) == ids[::-1]


@pytest.mark.parametrize(
    ("query", "rows", "count", "next_page"),
    [
        ("", slice(0, 20), 20, 2),
        ("?page=2", slice(20, 40), 5, None),
        ("?page=3", slice(0, 0), 0, None),
        ("?page_size=10", slice(0, 10), 10, 2),
        ("?page_size=10&page=2", slice(10, 20), 10, 3),
        ("?page_size=10&page=3", slice(20, 25), 5, None),
        ("?page_size=5&page=5", slice(20, 25), 5, None),
        ("?page_size=25", slice(0, 25), 25, None),
        ("?page_size=200", slice(0, 25), 25, None),
        ("?page_size=1&page=25", slice(24, 25), 1, None),
        ("?page_size=10&page=99999999999999999999", slice(0, 0), 0, None),
        ("?page_size=3&page_size=10", slice(0, 10), 10, 2),
        ("?unknown=1", slice(0, 20), 20, 2),
    ],
)
def test_the_pages_together_contain_every_session(
    heidi: Client, query: str, rows: slice, count: int, next_page: int | None
) -> None:
    link(heidi)
    ids = made(heidi, 25)

    page = heidi.get(PATH + query).json()

    assert [row["session_id"] for row in page.pop("sessions")] == ids[rows]
    assert page == {"count": count, "total_count": 25, "next_page": next_page, "has_next_page": next_page is not None}


def row(kind: str, name: str, msg: str, given: str, **ctx: Any) -> dict[str, Any]:
    return {"type": kind, "loc": ["query", name], "msg": msg, "input": given, **({"ctx": ctx} if ctx else {})}


NO_INTEGER = "Input should be a valid integer, unable to parse string as an integer"
AT_LEAST, AT_MOST = "Input should be greater than or equal to 1", "Input should be less than or equal to 200"


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("page_size=0", [row("greater_than_equal", "page_size", AT_LEAST, "0", ge=1)]),
        ("page_size=201", [row("less_than_equal", "page_size", AT_MOST, "201", le=200)]),
        ("page=0", [row("greater_than_equal", "page", AT_LEAST, "0", ge=1)]),
        ("page=-1", [row("greater_than_equal", "page", AT_LEAST, "-1", ge=1)]),
        ("page=1.5", [row("int_parsing", "page", NO_INTEGER, "1.5")]),
        ("page_size=", [row("int_parsing", "page_size", NO_INTEGER, "")]),
        (
            "page=two&page_size=ten",
            [row("int_parsing", "page_size", NO_INTEGER, "ten"), row("int_parsing", "page", NO_INTEGER, "two")],
        ),
    ],
)
@pytest.mark.parametrize("linked", [True, False])
def test_an_invalid_page_is_refused_before_the_link_is_checked(
    heidi: Client, query: str, rows: list[dict[str, Any]], *, linked: bool
) -> None:
    if linked:
        link(heidi)
    before = settled(heidi)

    answer = heidi.get(f"{PATH}?{query}")

    assert answered(answer) == (422, wire({"detail": rows}))
    assert heidi.state() == before


# --- Owners -----------------------------------------------------------------------------------------------------------


def test_the_list_contains_only_sessions_of_the_user(heidi: Client, mara: Client) -> None:
    link(heidi)
    mine, hers = made(heidi, 2), listed(mara)

    assert listed(heidi) == mine
    assert listed(mara) == hers
    assert heidi.get(f"/sessions/{hers[0]}").status_code == 200


def test_the_next_user_of_an_account_does_not_get_the_sessions_of_the_first(heidi: Client) -> None:
    link(heidi, "kp_1")
    first = made(heidi)
    heidi.delete("/users/linked-account:unlink")
    heidi.sign_in(third="124")
    link(heidi, "kp_1")

    # The list belongs to the user who is linked now. It leaves out sessions of an earlier user.
    assert listed(heidi) == []
    assert listed(heidi) != first


def test_each_key_has_its_own_list(heidi: Client) -> None:
    link(heidi)
    made(heidi)
    heidi.sign_in(key=KEY_TWO)
    refused = answered(heidi.get(PATH))
    link(heidi)

    assert refused == (400, wire(NO_LINKED_USER))
    assert answered(heidi.get(PATH)) == (200, wire(EMPTY))


def test_a_session_without_a_user_is_in_no_list(mara: Client) -> None:
    assert SESSION not in listed(mara, "?page_size=200")


def test_linked_user_is_not_read_as_a_session_id(heidi: Client) -> None:
    answer = heidi.patch(PATH, json={})

    assert (answered(answer), answer.headers["allow"]) == ((405, '{"detail":"Method Not Allowed"}'), "GET")
