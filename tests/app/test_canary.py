"""Secrets are sent in every way a client can send one, and no output of the server may show them.

Three kinds: a plain word under each name that is secret (``NAMES`` in ``UNDER_A_NAME``), a value that looks like a
credential (``CREDENTIALS`` in ``ANYWHERE``), and ``KEY``, which the server knows (``ANYWHERE`` too). Each way is a row
of a table. One server receives all of them, and then each of its outputs is read once. The answer to the client itself
follows the vendor and may repeat what the client sent.
"""

import base64
import contextlib
import http.client
import json
import logging
import re
import subprocess
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import pytest
from click.testing import CliRunner
from clients import Client
from helpers import another, ask
from running import Running, serving

from mock_heidi import Handle, MockHeidi, MockHeidiError
from mock_heidi.base.settings import BASE_PATH
from mock_heidi.cli.main import cli

KEY = "canary-key-91c4e7d0"
SESSION = "1234567890"
UPLOAD = f"sessions/{SESSION}/upload-audio"
ASK = {"ai_command_text": "translate", "content": "One.", "content_type": "MARKDOWN"}

NAMES = (
    *("auth", "X-Auth", "authorization", "Proxy-Authorization", "oauth_token", "cookie", "Set-Cookie", "JSESSIONID"),
    *("key", "apiKey", "X-Api-Key", "heidi-api-key", "access_token", "refreshToken", "TOKEN", "id-token", "secret"),
    *("client_secret", "clientSecret", "password", "userPassword", "mypassword", "passwd", "pwd", "passphrase"),
    *("credential", "credentials", "jwt", "bearer", "pin", "user_pin", "sid", "connect.sid", "signature", "csrf"),
    *("X-CSRF-Token", "xsrf", "refresh"),
)


class World:
    """A server that receives the canaries, from handles and from independent clients."""

    def __init__(self, server: Running, name: str) -> None:
        self.server = server
        self.handle: Handle = Handle(server.url, name, KEY)
        self.path = f"/ns/{name}{BASE_PATH}"
        headers = {"Authorization": f"Bearer {self.handle.token()}"}
        self.http = httpx.Client(base_url=f"{server.url}{self.path}/", headers=headers)
        self.events: Future[str]
        self.refused: list[str] = []
        """The messages of expectations that do not hold."""

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self.http.get(path, headers=headers)

    def post(self, path: str, **options: Any) -> httpx.Response:
        return self.http.post(path, **options)

    def content(self, text: str, path: str = "sessions", kind: str = "application/json") -> httpx.Response:
        return self.http.post(path, content=text.encode(), headers={"Content-Type": kind})

    def target(self, target: str, method: str = "GET") -> None:
        """Send a request with exactly this target."""
        with contextlib.closing(http.client.HTTPConnection(self.server.host, self.server.port)) as peer:
            peer.putrequest(method, target, skip_host=True)
            peer.putheader("Host", "localhost")
            peer.endheaders()
            peer.getresponse().read()

    def control(self, path: str, body: Any) -> None:
        """Set a rule or reply and remove it again."""
        with contextlib.suppress(MockHeidiError):
            self.handle.control("POST", path, body)

    def verify(self, **expectation: Any) -> None:
        with pytest.raises(AssertionError) as refusal:
            self.handle.verify(**expectation)
        self.refused.append(str(refusal.value))


def _fault(world: World, **rule: Any) -> None:
    world.control("/faults", {"session_id": "7", "status": 404, **rule})


def _asked(world: World, fault: str) -> object:
    return world.get("sessions/7", **{"X-Mock-Fault": fault})


def _reply(world: World, **reply: Any) -> None:
    world.control("/replies", {"operation": "ask_ai", "session_id": "7", **reply})


Way = Callable[[World, str, str], object]

UNDER_A_NAME: dict[str, Way] = {
    "header": lambda world, name, word: world.get("jwt", **{name: word}),
    "JSON in a header": lambda world, name, word: world.get("jwt", **{"X-Request-Id": json.dumps({name: word})}),
    "user agent": lambda world, name, word: world.get("jwt", **{"User-Agent": f"app/1 {name}={word}"}),
    "content type": lambda world, name, word: world.content("{}", kind=f"application/json; {name}={word}"),
    "query": lambda world, name, word: world.get(f"patient-profiles?{name}={word}"),
    "query twice": lambda world, name, word: world.get(f"patient-profiles?{name}=a&{name}={word}"),
    "query, name encoded": lambda world, name, word: world.get(
        f"patient-profiles?%25{ord(name[0]):x}{name[1:]}={word}"
    ),
    "query behind a semicolon": lambda world, name, word: world.get(f"patient-profiles?page=1;{name}={word}"),
    "JSON in a query": lambda world, name, word: world.get(f"patient-profiles?email={quote(json.dumps({name: word}))}"),
    "path": lambda world, name, word: world.get(f"{name}={word}/a"),
    "path of an id": lambda world, name, word: world.get(f"sessions/{name}={word}"),
    "path behind a semicolon": lambda world, name, word: world.get(f"sessions;{name}={word}/a"),
    "path, encoded twice": lambda world, name, word: world.target(f"{world.path}/{name}%253D{word}"),
    "query of a whole URL": lambda world, name, word: world.target(f"{world.handle.url}{world.path}/a?{name}={word}"),
    "referer": lambda world, name, word: world.get("jwt", Referer=f"http://localhost/?a=1&{name}={word}&b=1"),
    "fragment of a referer": lambda world, name, word: world.get("jwt", Referer=f"http://localhost/#{name}={word}"),
    "path of a referer": lambda world, name, word: world.get("jwt", Referer=f"http://localhost/a;{name}={word}"),
    "origin": lambda world, name, word: world.get("jwt", Origin=f"http://{name}:{word}@localhost"),
    "JSON": lambda world, name, word: world.post("sessions", json={name: word}),
    "JSON that is refused": lambda world, name, word: world.post(
        "users/linked-account", json={name: word, "kinde_user_id": 5}
    ),
    "JSON deep inside": lambda world, name, word: world.post("sessions", json={"a": [{name: {"b": [word]}}]}),
    "JSON inside JSON": lambda world, name, word: world.post("sessions", json={"a": json.dumps({name: word})}),
    "JSON with an escaped name": lambda world, name, word: world.content(
        f'{{"\\u{ord(name[0]):04x}{name[1:]}": "{word}"}}'
    ),
    "JSON with blanks before the colon": lambda world, name, word: world.content(f'{{"{name}"{" " * 40}: "{word}"}}'),
    "JSON with NaN": lambda world, name, word: world.content(f'{{"{name}": "{word}", "a": NaN}}'),
    "JSON that breaks off": lambda world, name, word: world.content(f'{{"a": {{"{name}"        : "{word}", '),
    "JSON of Python": lambda world, name, word: world.content(str({name: word})),
    "YAML": lambda world, name, word: world.content(f"{name}: |\n  {word}\n", kind="application/yaml"),
    "YAML in JSON": lambda world, name, word: world.post("sessions", json={"a": f"{name}: |\n  {word}"}),
    "YAML with a type in JSON": lambda world, name, word: world.post("sessions", json={"a": f"{name}: !!str {word}"}),
    "XML": lambda world, name, word: world.content(f"<{name}>{word}</{name}>", kind="application/xml"),
    "body that nobody reads": lambda world, name, word: world.post("nothing", json={name: word}),
    "form": lambda world, name, word: world.post("sessions", data={name: word}),
    "form that ends with a line": lambda world, name, word: world.content(f"{name}={word}\n"),
    "form with semicolons": lambda world, name, word: world.content(f"a=1;{name}={word}"),
    "JSON in a form": lambda world, name, word: world.post("sessions", data={"a": json.dumps({name: word})}),
    "multipart for JSON": lambda world, name, word: world.post("sessions", files={name: (None, word)}),
    "multipart": lambda world, name, word: world.post(UPLOAD, files={"file": b"x"}, data={name: word}),
    "multipart filename": lambda world, name, word: world.post(UPLOAD, files={name: (f"{word}.wav", b"x")}),
    "multipart type": lambda world, name, word: world.post(UPLOAD, files={name: ("a", b"x", f"audio/{word}")}),
    "text of an answer": lambda world, name, word: world.http.patch(
        f"sessions/{SESSION}", json={"session_name": f"a {name}={word}"}
    ),
    "stream": lambda world, name, word: world.post(
        f"sessions/{SESSION}/ask-ai", json={**ASK, "content": f"{name}={word}"}
    ),
    "fault asked for": lambda world, name, word: _asked(world, f"status=404,{name}={word}"),
    "match of a fault asked for": lambda world, name, word: _asked(
        world, "status=404,match=" + json.dumps({name: word})
    ),
    "header of a fault asked for": lambda world, name, word: _asked(world, f"status=404,header={name}:{word}"),
    "detail of a fault asked for": lambda world, name, word: _asked(
        world, "status=404,detail=" + json.dumps({name: word})
    ),
    "label of a fault asked for": lambda world, name, word: _asked(world, f'status=404,label="{name}={word}"'),
}
SET_BY_A_TEST: dict[str, Way] = {
    "header of a fault": lambda world, name, word: _fault(world, header={name: word}),
    "match of a fault": lambda world, name, word: _fault(world, match={"a": [{name: word}]}),
    "detail of a fault": lambda world, name, word: _fault(world, detail={name: word}),
    "text of a fault": lambda world, name, word: _fault(world, detail=f'{{"{name}": "{word}'),
    "label of a fault": lambda world, name, word: _fault(world, label=f"{name}={word}"),
    "path of a fault": lambda world, name, word: _fault(world, path=f"/a;{name}={word}", session_id=None),
    "body of a reply": lambda world, name, word: _reply(world, body={"a": {name: word}}),
    "text of a reply": lambda world, name, word: _reply(world, text=f"{name}={word}"),
    "match of a reply": lambda world, name, word: _reply(world, text="a", match={name: word}),
    "match of an expectation": lambda world, name, word: world.verify(match={"a": 1, name: word}),
    "deep match of an expectation": lambda world, name, word: world.verify(match={"a": {name: {"b": word}}}),
    "match in an order": lambda world, name, word: world.verify(in_order=[{"match": {name: word}}]),
    "text of an expectation": lambda world, name, word: world.verify(text=f"{name}={word}."),
}
# The secret name is itself a value, and the word is the value beside it.
UNDER_A_NAME |= {
    "name and value": lambda world, name, word: world.post("sessions", json={"a": [{"name": name, "value": word}]}),
    "value and key": lambda world, name, word: world.post("sessions", json={"Value": {"b": [word]}, "Key": name}),
    "field and values": lambda world, name, word: world.post("sessions", json={"field": name, "values": [word]}),
    "name and value that break off": lambda world, name, word: world.post(
        "sessions", json={"a": f'[{{"name": "{name}", "value": "{word}'}
    ),
    "name and value in quotes": lambda world, name, word: world.post(
        "sessions", json={"a": f'say {{\\"value\\": \\"{word}\\", \\"name\\": \\"{name}\\"}}'}
    ),
    "name and value in YAML": lambda world, name, word: world.post(
        "sessions", json={"a": f"- name: a\n  value: b\n- name: {name}\n  value: {word}\n"}
    ),
    "name and value in a form": lambda world, name, word: world.post("sessions", data={"name": name, "value": word}),
    "name and value in a query": lambda world, name, word: world.get(f"patient-profiles?name={name}&value={word}"),
    "name and value in a header": lambda world, name, word: world.get(
        "jwt", **{"X-Request-Id": f"name={name}; value={word}"}
    ),
    "input of a page": lambda world, name, word: world.post(
        "sessions", json={"a": f'<input name="{name}" value="{word}">'}
    ),
    "input of a page, value first": lambda world, name, word: world.post(
        "sessions", json={"a": f"<input value='a>{word}' type=x name={name}/>"}
    ),
    "meta of a page": lambda world, name, word: world.post(
        "sessions", json={"a": f'<meta name="{name}" content="{word}">'}
    ),
    "element with a name": lambda world, name, word: world.post(
        "sessions", json={"a": f'<entry key="{name}">{word}</entry>'}
    ),
}
SET_BY_A_TEST |= {
    "name and value of a fault": lambda world, name, word: _fault(world, detail={"name": name, "value": word}),
    "name and value of a reply": lambda world, name, word: _reply(world, text=f'<input name="{name}" value="{word}">'),
    "name and value of an expectation": lambda world, name, word: world.verify(
        match={"a": {"name": name, "value": word}}
    ),
}
# Before a colon, and after a slash.
UNDER_A_NAME |= {
    "user agent with a colon": lambda world, name, word: world.get("jwt", **{"User-Agent": f"app/1 ({name}: {word})"}),
    "query with a colon": lambda world, name, word: world.get(f"patient-profiles?email={name}:{word}"),
    "path with a colon": lambda world, name, word: world.get(f"a/{name}:{word}"),
    "path with a colon, encoded twice": lambda world, name, word: world.target(f"{world.path}/{name}%253A{word}"),
    "path behind a name": lambda world, name, word: world.get(f"{name}/{word}"),
    "path behind a name, encoded twice": lambda world, name, word: world.target(f"{world.path}/{name}%252F{word}"),
    "path of a referer behind a name": lambda world, name, word: world.get(
        "jwt", Referer=f"http://localhost/{name}%2F{word}"
    ),
    "label of a fault asked for, with a colon": lambda world, name, word: _asked(
        world, f"status=404,label={name}: {word}"
    ),
    "path of a fault asked for": lambda world, name, word: _asked(world, f"status=404,path=/{name}/{word}"),
    "name of a field with a colon": lambda world, name, word: world.post("sessions", json={f"{name}: {word}": 1}),
}
SET_BY_A_TEST |= {
    "label of a fault with a colon": lambda world, name, word: _fault(world, label=f"{name}: {word}"),
    "header of a fault with a colon": lambda world, name, word: _fault(world, header={"X-A": f"{name}: {word}"}),
    "path of a fault with a colon": lambda world, name, word: _fault(world, path=f"/{name}:{word}", session_id=None),
    "path of a fault behind a name": lambda world, name, word: _fault(world, path=f"/{name}/{word}", session_id=None),
    "path of an expectation": lambda world, name, word: world.verify(path=f"/{name}/{word}", status=299),
    "path of an order with a colon": lambda world, name, word: world.verify(in_order=[{"path": f"/{name}:{word}"}]),
}

ANYWHERE: dict[str, Callable[[World, str], object]] = {
    "known header": lambda world, value: world.get("jwt", **{"X-Request-Id": value}),
    "unknown header": lambda world, value: world.get("jwt", **{"X-Custom": value}),
    "header in a sentence": lambda world, value: world.get("jwt", **{"User-Agent": f"app/1 ({value})"}),
    "known parameter": lambda world, value: world.get(f"patient-profiles?email={quote(value)}"),
    "unknown parameter": lambda world, value: world.get(f"patient-profiles?a={quote(value)}"),
    "name of a parameter": lambda world, value: world.get(f"patient-profiles?{quote(value)}=1"),
    "parameter, encoded twice": lambda world, value: world.get(f"patient-profiles?email={quote(encoded(value))}"),
    "path": lambda world, value: world.get(f"{quote(value, safe='')}/a"),
    "path of an id": lambda world, value: world.get(f"sessions/{quote(value, safe='')}"),
    "path, encoded twice": lambda world, value: world.target(f"{world.path}/{quote(encoded(value))}"),
    "path of the whole server": lambda world, value: world.target(f"/{quote(value, safe='')}"),
    "user of a whole URL": lambda world, value: world.target(f"http://a:{quote(value, safe='')}@localhost/a"),
    "referer": lambda world, value: world.get("jwt", Referer=f"http://localhost/{quote(value)}?k={quote(value)}"),
    "user of a referer": lambda world, value: world.get("jwt", Referer=f"http://a:{quote(value, safe='')}@localhost/"),
    "JSON": lambda world, value: world.post("sessions", json={"note": value}),
    "JSON in a sentence": lambda world, value: world.post("sessions", json={"note": f"say {value}, twice"}),
    "JSON, escaped": lambda world, value: world.content(
        '{"a": "' + "".join(f"\\u{ord(letter):04x}" for letter in value) + '"}'
    ),
    "JSON inside JSON": lambda world, value: world.post("sessions", json={"a": json.dumps([value])}),
    "name of a field": lambda world, value: world.post("sessions", json={value: 1}),
    "value that is refused": lambda world, value: world.post("sessions", json={"patient_profile_id": [value]}),
    "text": lambda world, value: world.content(value),
    "form": lambda world, value: world.post("sessions", data={"note": value}),
    "JSON in a form": lambda world, value: world.post("sessions", data={"a": json.dumps({"b": value})}),
    "multipart for JSON": lambda world, value: world.post("sessions", files={"a": (None, value)}),
    "multipart name": lambda world, value: world.post(UPLOAD, files={value: ("a", b"x")}),
    "multipart filename": lambda world, value: world.post(UPLOAD, files={"file": (f"{value}.wav", b"x")}),
    "multipart type": lambda world, value: world.post(UPLOAD, files={"file": ("a", b"x", f"audio/{value}")}),
    "answer": lambda world, value: world.http.patch(f"sessions/{SESSION}", json={"session_name": value}),
    "stream": lambda world, value: world.post(f"sessions/{SESSION}/ask-ai", json={**ASK, "content": value}),
    "linked sessions": lambda world, value: world.http.patch(
        f"sessions/{SESSION}", json={"linked_sessions_for_context": [value]}
    ),
    "fault asked for": lambda world, value: _asked(world, f"status=404,label={value}"),
    "fault asked for that is none": _asked,
    "match of a fault asked for": lambda world, value: _asked(world, "status=404,match=" + json.dumps({"a": value})),
    "fault": lambda world, value: _fault(world, label=value, detail={"a": value}, header={"X-A": value}),
    "path of a fault": lambda world, value: _fault(world, path=f"/{value}/a", session_id=None),
    "reply": lambda world, value: _reply(world, body={"a": value}),
    "pieces of a reply": lambda world, value: _reply(world, pieces=["a ", value[:12], value[12:], " b"]),
    "expectation": lambda world, value: world.verify(match={"b": value, "c": 1}),
}


def encoded(value: str) -> str:
    """The value with every letter percent-encoded."""
    return "".join(f"%{ord(letter):02x}" for letter in value)


def word_of(*about: str) -> str:
    """A different word for each way, which does not look like a credential."""
    number = zlib.crc32("/".join(about).encode())
    return "canary" + "".join(chr(ord("a") + number // 26**digit % 26) for digit in range(7))


def _coded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


class Credential(NamedTuple):
    """A value that looks like a credential, and the part of it that no output may show."""

    value: str
    secret: str


def _token(way: str) -> Credential:
    secret = _coded(json.dumps({"sub": word_of("token", way)}))
    return Credential(f"{_coded(json.dumps({'alg': 'none'}))}.{secret}.c2ln", secret)


def _random(way: str) -> Credential:
    secret = base64.b64encode(sha256(way.encode()).digest()).decode().translate(str.maketrans("+/=", "xyz"))
    return Credential(secret, secret[2:20])


CREDENTIALS: dict[str, Callable[[str], Credential]] = {
    "token": _token,
    "bearer": lambda way: Credential(f"Bearer 1{word_of('bearer', way)}", word_of("bearer", way)),
    "basic": lambda way: Credential(f"Basic {_coded('user:' + word_of(way))}", _coded("user:" + word_of(way))),
    "random": _random,
    "hexadecimal": lambda way: Credential(sha256(way.encode()).hexdigest(), sha256(way.encode()).hexdigest()[2:20]),
}


def shown(world: World) -> dict[str, str]:
    """Every output about a namespace, by its kind."""
    handle = world.handle
    control = f"{world.server.url}/ns/{handle.name}/_mock"
    lists = ("requests", "requests?format=har", "requests?format=curl", "findings", "faults", "replies", "scenarios")
    seen = {path: httpx.get(f"{control}/{path}", timeout=60).text for path in (*lists, "namespaces")}
    # The text without the escapes of JSON.
    seen |= {f"{path}, parsed": str(json.loads(text)) for path, text in seen.items() if text[:1] == "{"}
    # A few requests of each kind are enough: the list has all of them, and shows short bodies in the same way.
    for row in handle.requests()[::3]:
        seen[f"request {row['id']}"] = str(handle.control("GET", f"/requests/{row['id']}?full=true"))
    seen["events"] = events(world)
    seen["refused expectations"] = "\n".join(world.refused)
    seen["report of a failure"] = handle.report(limit=10_000)
    options = ("--url", world.server.url, "--namespace", handle.name)
    for verb in (("requests", "--limit", "10000"), ("findings",), ("fault", "list")):
        seen[f"mock-heidi {verb[0]}"] = CliRunner().invoke(cli, [*verb, *options]).output
    return seen


def events(world: World) -> str:
    """The events of a namespace so far. A reset that restores nothing ends them."""
    keep = "state,clock,ids,requests,transitions,replies,faults,findings"
    world.handle.control("POST", f"/reset?keep={keep}")
    return world.events.result(60)


def until_reset(answer: httpx.Response) -> str:
    """The lines of a stream of events, up to the first reset."""
    said = []
    for line in answer.iter_lines():
        said.append(line)
        if line == "event: reset":
            break
    return "\n".join(said)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("canary"), "--api-key", KEY, "--log-level", "debug") as running:
        yield running


@contextlib.contextmanager
def begun(server: Running, name: str) -> Iterator[World]:
    """A fresh namespace with a listener to its events."""
    world, pool = World(server, name), ThreadPoolExecutor(1)
    listening = httpx.stream("GET", f"{server.url}/ns/{name}/_mock/events", timeout=60)
    with world.http, world.handle, pool, listening as answer:
        world.events = pool.submit(until_reset, answer)
        yield world


def words_in(places: dict[str, str]) -> dict[str, set[str]]:
    """The words of :func:`word_of` in each output."""
    return {place: set(re.findall("canary[a-z]{7}", text)) for place, text in places.items()}


# A namespace keeps 1,000 requests, so the ways share several.
MOST_WAYS = 900 // len(NAMES)
GROUPS = [[*UNDER_A_NAME][at : at + MOST_WAYS] for at in range(0, len(UNDER_A_NAME), MOST_WAYS)]


@pytest.fixture(scope="module")
def words(server: Running) -> dict[str, dict[str, set[str]]]:
    """The words that any output of its namespace shows, for each way."""
    seen: dict[str, dict[str, set[str]]] = {}
    for number, ways in enumerate([*GROUPS, [*SET_BY_A_TEST]]):
        sends = [(way, name) for way in ways for name in NAMES]
        with begun(server, f"names-{number}") as world:
            for way, name in sends:
                {**UNDER_A_NAME, **SET_BY_A_TEST}[way](world, name, word_of(way, name))
            places = shown(world)
            if number < len(GROUPS):
                assert len(world.handle.requests()) == 1 + len(sends), "they should be there, only their secrets not"
        seen |= dict.fromkeys(ways, words_in(places))
    return seen


@pytest.mark.parametrize("way", [*UNDER_A_NAME, *SET_BY_A_TEST])
def test_no_output_shows_a_value_under_a_secret_name(words: dict[str, dict[str, set[str]]], way: str) -> None:
    secret = {word_of(way, name): name for name in NAMES}

    leaks = [(secret[word], place) for place, there in words[way].items() for word in there & set(secret)]

    assert leaks == []


@pytest.fixture(scope="module")
def places(server: Running) -> dict[str, str]:
    """The outputs after each credential was sent in each way."""
    with begun(server, "credentials") as world:
        for way, send in ANYWHERE.items():
            for make in CREDENTIALS.values():
                send(world, make(way).value)
        return shown(world)


@pytest.mark.parametrize("kind", CREDENTIALS)
def test_no_output_shows_a_credential(places: dict[str, str], kind: str) -> None:
    secrets = {way: CREDENTIALS[kind](way).secret for way in ANYWHERE}

    leaks = [(way, place) for place, text in places.items() for way, secret in secrets.items() if secret in text]

    assert leaks == []


@pytest.mark.parametrize("issued", [False, True], ids=["API key", "issued token"])
def test_no_output_shows_a_key_or_token_of_the_server(server: Running, issued: bool) -> None:
    ways: dict[str, str] = {}
    with begun(server, f"known-{issued}") as world:
        secret = world.handle.token() if issued else KEY
        for way, send in ANYWHERE.items():
            send(world, secret)
            ways |= {place: way for row in world.handle.requests() if (place := f"request {row['id']}") not in ways}
        seen = shown(world)

    assert [ways.get(place, place) for place, text in seen.items() if secret in text] == []


def test_a_masked_journal_shows_nothing_that_the_client_sent(server: Running) -> None:
    with Handle(server.url, "default", KEY) as handle:
        handle.namespace("masked", journal="masked")
    # Values that a test sets and names are shown.
    ways = [way for way in ANYWHERE if not re.match("fault$|path of a fault|.*reply|expectation|name of|.* name", way)]
    with begun(server, "masked") as world:
        for way in ways:
            ANYWHERE[way](world, word_of(way))
        seen = words_in(shown(world))

    masked = set(map(word_of, ways))
    assert {place: there & masked for place, there in seen.items() if there & masked} == {}


@pytest.fixture
def heidi() -> Iterator[Client]:
    with another(api_key=KEY) as client:
        client.sign_in(KEY)
        yield client


def rows(client: Client) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = client.get("/_mock/requests").json()["requests"]
    return found


@pytest.mark.parametrize("cut", [1, 7, len(KEY) - 1])
def test_the_journal_masks_a_key_that_is_split_over_pieces_of_a_stream(heidi: Client, cut: int) -> None:
    rule = {"operation": "ask_ai", "pieces": ["before ", KEY[:cut], KEY[cut:], " after", KEY]}
    heidi.post("/_mock/replies", json=rule)
    body = {"ai_command_text": "a", "content": "", "content_type": "MARKDOWN"}
    heidi.post(f"/sessions/{SESSION}/ask-ai", json=body)

    pieces = [piece["text"] for piece in rows(heidi)[-1]["pieces"]]

    assert KEY not in "".join(pieces)
    assert (pieces[0], len(pieces)) == ("before ", 5)
    assert "".join(pieces).replace("***", "") == "before  after"


def test_the_journal_does_not_show_the_answer_of_a_sign_in(heidi: Client) -> None:
    row = rows(heidi)[0]

    assert (row["operation"], row["response"]) == ("get_jwt", "***")


@pytest.mark.parametrize("probe", [f"text={KEY}", f"text={KEY[:9]}", f"path=*{KEY[:9]}*", f"path=/sessions/{KEY}"])
def test_a_search_cannot_reveal_a_secret_letter_by_letter(heidi: Client, probe: str) -> None:
    heidi.get(f"/sessions/{KEY}", headers={"X-Api-Key": KEY, "X-Note": KEY})

    count = heidi.get(f"/_mock/requests/count?{probe}").json()["count"]

    assert count == 0


@pytest.mark.parametrize(
    "path", [f"/{KEY}", f"{BASE_PATH}/{KEY}", f"/ns/{KEY}.!/jwt", f"/https://{KEY}.heidihealth.com"]
)
@pytest.mark.parametrize("method", ["GET", KEY])
def test_the_reason_for_a_refusal_contains_no_secret(heidi: Client, path: str, method: str) -> None:
    reply = ask(heidi.app, method, path, headers={"Host": KEY, "Authorization": KEY})

    assert reply.headers["x-mock-reason"]
    assert KEY not in str(reply.headers)
    assert KEY not in str(rows(heidi))


@pytest.mark.breaks_contract
def test_the_log_of_a_crash_contains_no_values(
    heidi: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def crash(*_: object, **__: object) -> None:
        raise RuntimeError(KEY)

    monkeypatch.setattr("mock_heidi.state.store.Store.where", crash)
    with caplog.at_level(logging.DEBUG):
        answer = heidi.get("/patient-profiles")

    assert (answer.status_code, answer.json()) == (500, {"detail": "Internal Server Error"})
    assert "RuntimeError" in caplog.text
    assert KEY not in caplog.text


@pytest.mark.parametrize("endpoint", ["/faults", "/replies", "/verify", "/state", f"/{KEY}", f"/snapshots/{KEY}/diff"])
def test_refusals_of_the_control_api_contain_no_token(heidi: Client, endpoint: str) -> None:
    token = heidi.token()

    answer = heidi.post(f"/_mock{endpoint}", content=b'{"a": 1', headers={"Authorization": f"Bearer {token}"})

    assert token not in answer.text


def test_no_event_shows_a_secret() -> None:
    with MockHeidi(api_key=KEY) as heidi, heidi.client() as client:
        said: list[str] = []
        with httpx.stream("GET", f"{heidi.url}/_mock/events", timeout=60) as events:
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


def test_the_debug_log_contains_no_secret(tmp_path: Path) -> None:
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


def test_a_curl_line_reads_its_secrets_from_the_environment() -> None:
    with MockHeidi(api_key=KEY) as heidi, heidi.client() as client:
        made = client.post("/patient-profiles", json={"first_name": "O'Brien $HOME `id`", "last_name": 'a"b\\c'})
        lines = httpx.get(f"{heidi.url}/_mock/requests?format=curl&operation=create_patient_profile").text
        variables = {"TOKEN": heidi.token(), "HEIDI_API_KEY": KEY, "PATH": "/usr/bin:/bin"}
        shell = ["/bin/sh", "-c", f"{lines.strip()} -s"]
        again = subprocess.run(shell, env=variables, capture_output=True, check=True)  # noqa: S603 - our own line

    first, second = made.json()["data"], json.loads(again.stdout)["data"]
    assert (second["first_name"], second["last_name"]) == (first["first_name"], first["last_name"])
    assert second["id"] != first["id"]
