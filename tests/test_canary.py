"""A secret that is sent in every way a client can send one, and then looked for everywhere that anything is shown.

``KEY`` is an API key that the server knows, ``FOREIGN`` a secret of somebody else's, which it can only tell by the name
that it stands under. The answer to the client itself is the vendor's and may repeat what the client sent.
"""

import base64
import json
import logging
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from conftest import Client
from helpers import another, ask
from running import serving

from mock_heidi import MockHeidi
from mock_heidi.settings import BASE_PATH

KEY = "canary-key-91c4e7d0"
FOREIGN = "canary-foreign-5b20fa"
SESSION = "/sessions/1234567890"

Send = Callable[[Client, str], object]


@pytest.fixture
def heidi() -> Iterator[Client]:
    with another(api_key=KEY) as client:
        client.sign_in(KEY)
        yield client


def shown(client: Client) -> str:
    """Everything that the control plane shows of requests."""
    doors = [
        "/requests",
        "/requests?format=curl",
        "/requests?format=har",
        "/findings",
        "/namespaces",
        "/faults",
        "/replies",
        "/scenarios",
    ]
    texts = [client.get(f"/_mock{door}").text for door in doors]
    texts += [json.dumps(client.get(f"/_mock/requests/{row['id']}").json()) for row in rows(client)]
    asked = {"never": "there", "password": "", "token": "", "client_secret": "", "api_key": ""}
    for misses in ({"operation": "get_jwt", "status": "500", "match": asked, "path": "/x"}, {"match": asked}):
        texts.append(client.post("/_mock/verify", json=misses).text)
    return "\n".join(texts)


def rows(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/_mock/requests").json()["requests"]
    return found


def _headers(name: str, form: str = "{}") -> Send:
    return lambda client, secret: client.get("/patient-profiles", headers={name: form.format(secret)})


def _basic(client: Client, secret: str) -> object:
    coded = base64.b64encode(f"user:{secret}".encode()).decode()
    return client.get("/patient-profiles", headers={"Authorization": f"Basic {coded}", "Proxy-Authorization": coded})


ANYWHERE: dict[str, Send] = {
    "key header of a sign-in": lambda client, secret: client.get(
        "/jwt?email=a@b.c&third_party_internal_id=1", signed=False, headers={"Heidi-Api-Key": secret}
    ),
    "key header beside a token": _headers("Heidi-Api-Key"),
    "suffixed key": _headers("Heidi-Api-Key", "{}.other"),
    "bearer": _headers("Authorization", "Bearer {}"),
    "bare authorization": _headers("Authorization"),
    "cookie": _headers("Cookie", "session={}"),
    "header named like a secret": _headers("X-Api-Key"),
    "query named like a secret": lambda client, secret: client.get(f"/patient-profiles?access_token={secret}"),
    "query twice": lambda client, secret: client.get(f"/patient-profiles?token=a&token={secret}"),
    "JSON named like a secret": lambda client, secret: client.post("/sessions", json={"password": secret}),
    "JSON deep inside": lambda client, secret: client.post("/sessions", json={"a": [{"client_secret": {"b": secret}}]}),
    "JSON that is refused": lambda client, secret: client.post("/patient-profiles", json={"token": secret, "email": 5}),
    "form named like a secret": lambda client, secret: client.post("/sessions", data={"api_key": secret}),
    "form that ends with a line": lambda client, secret: client.post("/sessions", content=f"api_key={secret}\n"),
    "JSON that breaks off": lambda client, secret: client.post("/sessions", content=f'{{"a": {{"token": "{secret}", '),
    "JSON with a number that is none": lambda client, secret: client.post(
        "/sessions", content=f'{{"token": "{secret}", "a": NaN}}'
    ),
    "body that nobody read": lambda client, secret: client.post("/nothing", json={"token": secret}),
    "body without a token": lambda client, secret: client.post("/sessions", signed=False, json={"token": secret}),
    "referer's query": _headers("Referer", "http://localhost/?page=1&access_token={}&b=1"),
}
PLAIN: dict[str, Send] = {
    "any header": _headers("X-Note", "say {} twice {}".replace("twice {}", "once")),
    "referer": _headers("Referer", "http://localhost/?k={}"),
    "query": lambda client, secret: client.get(f"/patient-profiles?ehr_patient_id={secret}"),
    "query, escaped": lambda client, secret: client.get(
        "/patient-profiles?ehr_patient_id=" + "".join(f"%{ord(letter):02x}" for letter in secret)
    ),
    "name of a parameter": lambda client, secret: client.get(f"/patient-profiles?{secret}=1"),
    "path of an id": lambda client, secret: client.get(f"/sessions/{quote(secret, safe='')}"),
    "path that is none": lambda client, secret: client.get(f"/{secret}/nothing"),
    "path of the whole server": lambda client, secret: ask(client.app, "GET", f"/{secret}"),
    "JSON": lambda client, secret: client.post("/patient-profiles", json={"first_name": secret}),
    "JSON, escaped": lambda client, secret: client.post(
        "/sessions", content='{"a": "' + "".join(f"\\u{ord(letter):04x}" for letter in secret) + '"}'
    ),
    "name of a JSON field": lambda client, secret: client.post("/sessions", json={secret: 1}),
    "body that is no JSON": lambda client, secret: client.post("/sessions", content=f"{{{secret}"),
    "form": lambda client, secret: client.post("/sessions", data={"note": secret}),
    "refused value": lambda client, secret: client.post("/patient-profiles", json={"gender": secret}),
    "multipart filename": lambda client, secret: client.post(
        f"{SESSION}/upload-audio", files={"file": (f"{secret}.wav", b"x", "audio/wav")}
    ),
    "multipart name": lambda client, secret: client.post(f"{SESSION}/upload-audio", files={secret: ("a", b"x")}),
    "multipart type": lambda client, secret: client.post(
        f"{SESSION}/upload-audio", files={"file": ("a.wav", b"x", f"audio/{secret}")}
    ),
    "multipart field": lambda client, secret: client.post(
        f"{SESSION}/upload-audio", files={"file": ("a", b"x")}, data={"start_time": secret}
    ),
    "stream": lambda client, secret: client.post(
        f"{SESSION}/ask-ai", json={"ai_command_text": "translate", "content": secret, "content_type": "MARKDOWN"}
    ),
    "fault asked for": _headers("X-Mock-Fault", "{}=1"),
    "linked sessions": lambda client, secret: client.patch(SESSION, json={"linked_sessions_for_context": [secret]}),
}


@pytest.mark.parametrize("way", ANYWHERE)
@pytest.mark.parametrize("secret", [KEY, FOREIGN])
def test_a_secret_in_a_secret_place_is_shown_nowhere(heidi: Client, way: str, secret: str) -> None:
    before = len(rows(heidi))

    ANYWHERE[way](heidi, secret)

    assert len(rows(heidi)) > before, "the request should be there, only its secret not"
    assert secret not in shown(heidi)


@pytest.mark.parametrize("way", PLAIN)
def test_a_known_key_is_shown_nowhere_wherever_it_stood(heidi: Client, way: str) -> None:
    PLAIN[way](heidi, KEY)

    assert KEY not in shown(heidi)


@pytest.mark.parametrize("way", [way for way in PLAIN if "escaped" not in way])
def test_an_issued_token_is_shown_nowhere_wherever_it_stood(heidi: Client, way: str) -> None:
    token = heidi.sign_in(KEY)

    PLAIN[way](heidi, token)

    assert token not in shown(heidi)


def test_a_basic_login_is_shown_nowhere(heidi: Client) -> None:
    _basic(heidi, FOREIGN)

    assert base64.b64encode(f"user:{FOREIGN}".encode()).decode() not in shown(heidi)


@pytest.mark.parametrize("cut", [1, 7, len(KEY) - 1])
def test_a_key_across_the_pieces_of_a_stream_is_put_together_nowhere(heidi: Client, cut: int) -> None:
    rule = {"operation": "ask_ai", "pieces": ["before ", KEY[:cut], KEY[cut:], " after", KEY]}
    heidi.post("/_mock/replies", json=rule)
    body = {"ai_command_text": "a", "content": "", "content_type": "MARKDOWN"}
    heidi.post(f"{SESSION}/ask-ai", json=body)

    pieces = [piece["text"] for piece in rows(heidi)[-1]["pieces"]]

    assert KEY not in "".join(pieces)
    assert (pieces[0], len(pieces)) == ("before ", 5)
    assert "".join(pieces).replace("***", "") == "before  after"


def test_the_answer_of_a_sign_in_is_not_shown(heidi: Client) -> None:
    row = rows(heidi)[0]

    assert (row["operation"], row["response"]) == ("get_jwt", "***")


@pytest.mark.parametrize("probe", [f"text={KEY}", f"text={KEY[:9]}", f"path=*{KEY[:9]}*", f"path=/sessions/{KEY}"])
def test_a_search_cannot_find_out_a_secret_letter_by_letter(heidi: Client, probe: str) -> None:
    heidi.get(f"/sessions/{KEY}", headers={"X-Api-Key": KEY, "X-Note": KEY})

    count = heidi.get(f"/_mock/requests/count?{probe}").json()["count"]

    assert count == 0


@pytest.mark.parametrize(
    "path", [f"/{KEY}", f"{BASE_PATH}/{KEY}", f"/ns/{KEY}.!/jwt", f"/https://{KEY}.heidihealth.com"]
)
@pytest.mark.parametrize("method", ["GET", KEY])
def test_the_reason_for_a_refusal_tells_no_secret(heidi: Client, path: str, method: str) -> None:
    reply = ask(heidi.app, method, path, headers={"Host": KEY, "Authorization": KEY})

    assert reply.headers["x-mock-reason"]
    assert KEY not in str(reply.headers)
    assert KEY not in shown(heidi)


@pytest.mark.breaks_contract
def test_a_crashing_handler_tells_no_values(
    heidi: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError(KEY)

    monkeypatch.setattr("mock_heidi.store.Store.where", crash)
    with caplog.at_level(logging.DEBUG):
        answer = heidi.get("/patient-profiles")

    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal Server Error"})
    assert "RuntimeError" in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize("door", ["/faults", "/replies", "/verify", "/state", f"/{KEY}", f"/snapshots/{KEY}/diff"])
def test_refusals_of_the_control_plane_do_not_hold_tokens(heidi: Client, door: str) -> None:
    token = heidi.token()

    answer = heidi.post(f"/_mock{door}", content=b'{"a": 1', headers={"Authorization": f"Bearer {token}"})

    assert token not in answer.text


def test_events_tell_no_secret() -> None:
    with MockHeidi(api_key=KEY) as heidi, heidi.client() as client:
        said: list[str] = []
        with httpx.stream("GET", f"{heidi.url}/_mock/events", timeout=10) as events:
            lines = events.iter_lines()
            next(lines)
            client.get(f"/sessions/{KEY}", headers={"X-Note": KEY})
            client.get("/nothing/" + heidi.token())
            heidi.control("POST", "/reset")
            for line in lines:
                said.append(line)
                if line == "event: reset":
                    break

    assert sum(line == "event: request" for line in said) == 3
    assert KEY not in "\n".join(said)
    assert "eyJ" not in "\n".join(said)


def test_a_log_at_debug_tells_no_secret(tmp_path: Path) -> None:
    with serving(tmp_path, "--api-key", KEY, "--log-level", "debug") as server:
        url = server.url
        signing = httpx.get(
            f"{url}{BASE_PATH}/jwt?email=a@b.c&third_party_internal_id={KEY}", headers={"Heidi-Api-Key": KEY}
        )
        token = signing.json()["token"]
        for headers in ({"Authorization": f"Bearer {token}"}, {"Authorization": KEY}, {"Cookie": KEY}):
            httpx.get(f"{url}{BASE_PATH}/sessions/{KEY}", headers=headers)
            httpx.get(f"{url}/{KEY}/{token}?api_key={KEY}", headers=headers)
        server.end()
        said = server.output() + server.errors()

    assert "/sessions/***" in said
    assert KEY not in said
    assert token not in said


def test_a_curl_line_runs_with_the_secrets_of_whoever_runs_it() -> None:
    with MockHeidi(api_key=KEY) as heidi, heidi.client() as client:
        made = client.post("/patient-profiles", json={"first_name": "O'Brien $HOME `id`", "last_name": 'a"b\\c'})
        line = httpx.get(f"{heidi.url}/_mock/requests?format=curl&operation=create_patient_profile").text.strip()
        variables = {"TOKEN": heidi.token(), "HEIDI_API_KEY": KEY, "PATH": "/usr/bin:/bin"}
        shell = ["/bin/sh", "-c", f"{line} -s"]
        again = subprocess.run(shell, env=variables, capture_output=True, check=True)  # noqa: S603 - our own line

    first, second = made.json()["data"], json.loads(again.stdout)["data"]
    assert (second["first_name"], second["last_name"]) == (first["first_name"], first["last_name"])
    assert second["id"] != first["id"]
