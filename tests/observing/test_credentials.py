"""Names whose values are secret, and texts that look like credentials."""

import secrets
import uuid

import pytest

from mock_heidi.observing.credentials import found
from mock_heidi.observing.documented import documented
from mock_heidi.observing.secret_names import decoded, is_secret_name

pytestmark = pytest.mark.slow

SECRET_NAMES = (
    "auth", "X-Auth", "authorization", "Proxy-Authorization", "oauth2", "oauth_token", "cookie", "Set-Cookie",
    "JSESSIONID", "PHPSESSID", "sid", "connect.sid", "key", "apiKey", "api_key", "X-API-KEY", "heidi-api-key",
    "HEIDI_API_KEY", "access_token", "refreshToken", "refresh", "TOKEN", "id-token", "idtoken", "tokens", "secret",
    "client_secret", "clientSecret", "password", "PASSWORD", "Password1", "userPassword", "mypassword", "passwd", "pwd",
    "pass", "passphrase", "credential", "credentials", "jwt", "bearer", "pin", "PIN", "user_pin", "userPin",
    "signature", "X-Hub-Signature", "csrf", "X-CSRF-Token", "csrftoken", "xsrf", "X-XSRF-TOKEN", "user[password]",
    "%74oken", "%2574oken",
)  # fmt: skip
PLAIN_NAMES = (
    "session_id", "sessionId", "sessionid", "session_ids", "template_id", "third_party_internal_id", "kinde_user_id",
    "email", "ehr_patient_id", "patient_profile_id", "ids", "index", "page", "page_size", "keyboard", "keyword",
    "monkey", "turkey", "hockey", "pinned", "spin", "opinion", "side", "inside", "sidebar", "consider", "author",
    "authored", "secretary", "tokenizer", "passenger", "compass", "design", "assigned", "refreshed", "cookiecutter",
    "first_name", "voice_style", "content", "clinician_notes", "answerType", "X-Request-Id", "traceparent",
    "user-agent",
)  # fmt: skip


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_a_name_with_a_secret_word_is_secret(name: str) -> None:
    assert is_secret_name(name)


@pytest.mark.parametrize("name", PLAIN_NAMES)
def test_a_name_with_only_the_letters_of_a_secret_word_is_not_secret(name: str) -> None:
    assert not is_secret_name(name)


def test_no_documented_field_or_parameter_is_secret() -> None:
    names = {name for known in documented().values() for name in (*(known.fields or ()), *known.parameters)}

    assert [name for name in names if is_secret_name(name)] == []


HIDDEN = {
    "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.c2ln": "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.c2ln",
    "a eyJhbGciOiJub25lIn0.eyJhIjoxfQ. b": "eyJhbGciOiJub25lIn0.eyJhIjoxfQ.",
    "Bearer hunter": "hunter",
    "say Bearer hunter2, twice": "hunter2",
    "Basic dXNlcjpodW50ZXIy": "dXNlcjpodW50ZXIy",
    "app/1 key=hunter": "hunter",
    "a=1;token=hunter&b=2": "hunter",
    "Authorization: Bearer hunter": "hunter",
    "X-API-Key: hunter": "hunter",
    "password   :   hunter": "hunter",
    "token: |\n  hunter\n": "hunter",
    '{"pin": "hun\\"ter", "a': '"hun\\"ter"',
    '{"pin": ["hunter", ': '["hunter", ',
    "{'sid': 'hunter'": "'hunter'",
    r"{\"sid\": \"hunter\"}": r"\"hunter\"",
    "<Password>hunter</Password>": "hunter",
    "http://user:hunter@localhost/a@b": "user:hunter",
    "of 4bf92f3577b34da6a3ce929d0e0e47364bf92f35": "4bf92f3577b34da6a3ce929d0e0e47364bf92f35",
    "sk_live_4eC39HqLyjWDarjtT1zdp7dc": "sk_live_4eC39HqLyjWDarjtT1zdp7dc",
    "/api/v2/sessions/Zk3vQ9x7LmP2tR8wY4bN6cJ1/a": "Zk3vQ9x7LmP2tR8wY4bN6cJ1",
}
# In tags, and in what only looks like one.
HIDDEN |= {
    "<user password='hunter'>": "'hunter'",
    "<user name='a' password=hunter>": "hunter",
    "see <curl -d password=hunter http://h> please": "hunter",
    "<a token=hunter>": "hunter",
    "<a href='b>c' token=hunter/>": "hunter/",
    '<password value="hunter"/>': 'value="hunter"/',
    "<secret><![CDATA[hunter]]></secret>": "<![CDATA[hunter]]>",
    "<secret><![CDATA[hunt": "<![CDATA[hunt",
    "<secret><!-- a --><value>hunter</value></secret>, more": "<!-- a --><value>hunter</value>",
}
# Beside what is written like a name of the API.
HIDDEN |= {
    "/jwt:hunter": "hunter",
    "/get_jwt: hunter": "hunter",
    "a jwt: hunter": "hunter",
    "get_jwt=hunter": "hunter",
    '{"get_jwt": "hunter", "': '"hunter"',
    "my_get_jwt: hunter": "hunter",
}
# Beside a field whose value is the name.
HIDDEN |= {
    '<input name="password" value="hunter">': '"hunter"',
    '<input type="password" id=a value=hunter>': "hunter",
    "<input value='hunt>er' name='password'/>": "'hunt>er'",
    '<add field="password" value="hunter"/> more': '"hunter"',
    '<param name="password">hunter</param>, more': "hunter",
    '<p name="a"><meta content="hunter" name="csrf-token"><p value="b">': '"hunter"',
    '{"a": [{"name": "password", "value": "hunter", ': '"hunter"',
    '{"name": "password", "values": ["hunter", ': '["hunter", ',
    '{"value": "a"}, {"value": "hunter", "name": "password"}, {"value": "b"}, ': '"hunter"',
    "{'name': 'password', 'value': 'hunter'}": "'hunter'",
    "- name: a\n  value: b\n- name: PIN\n  value: hunter\n- name: c\n  value: d": "hunter",
}
# In the forms of YAML.
HIDDEN |= {
    "password: |-\n  hunter": "hunter",
    "password: >2-  # why\n\n  hunt\n  er\nuser: a": "hunt\n  er",
    "password: >+\r\n  hunter\r\nuser: a": "hunter\r",
    "password: |-\nhunter": "hunter",
    "password: >- hunter": "hunter",
    "password=>hunter": "hunter",
    "password: !!str hunter": "!!str hunter",
    "password: &one hunter": "&one hunter",
    "password: &hunter": "&hunter",
    "password: !!str |-\n  hunt\n  er\n": "hunt\n  er",
    "passwords:\n  - hunt\n  - er\nuser: a": "- hunt\n  - er",
    "passwords:\n- hunt\n- er\nuser: a": "- hunt\n- er",
    "password:\n  value: hunter\nuser: a": "value: hunter",
    "password: 'hunt''er'": "'hunt''er'",
    "pin: |\n  hunter\n": "hunter",
    "pin: >2-  # why\n\n  hunt\n  er\nuser: a": "hunt\n  er",
    "pin: !!str hunter": "!!str hunter",
    "pin: &one hunter": "&one hunter",
}


@pytest.mark.parametrize("text", HIDDEN)
def test_a_credential_is_found_at_its_place(text: str) -> None:
    spans = [text[begin:end] for begin, end in found(text)]

    assert HIDDEN[text] in spans
    assert [span for span in spans if span not in HIDDEN[text]] == []


DATA = {
    "app/1 (pin: hunter)": "hunter)",
    "pin:hunter": "hunter",
    "a;sid: hunter, b": "hunter",
    "Signature: hunter": "hunter",
}


@pytest.mark.parametrize("text", DATA)
def test_any_secret_name_counts_before_a_colon_unless_the_text_is_prose(text: str) -> None:
    spans = [text[begin:end] for begin, end in found(text, prose=False)]

    assert (spans, [*found(text)]) == ([DATA[text]], [])


def test_the_name_of_an_operation_is_never_a_secret_name() -> None:
    assert [*found("422 at get_jwt: refused", prose=False)] == []


SHOWN = [
    "5eb7cf5a86d9755df3a6c593",
    "5eb7cf5a86d9755df3a6c593_659b8042fe093d6592b41ef7",
    "340282366920938463463374607431768211455",
    "kp_0123456789abcdef0123456789abcdef",
    "kp_0123456789abcdef0123456789abcdef@heidi.example",
    "4bf92f35-77b3-4da6-a3ce-929d0e0e4736",
    "4BF92F35-77B3-4DA6-A3CE-929D0E0E4736",
    "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    "2024-12-11T03:57:57.123456Z",
    "recording-2024-12-11T03-57-57-Room4B-final_v2.wav",
    "/api/v2/ml-scribe/open-api/sessions/340282366920938463463374607431768211455/context-documents",
    "/api/v2/ml-scribe/open-api/sesions/5eb7cf5a86d9755df3a6c593/upload_audios",
    "jean-luc.o'brien+test@heidihealth.com",
    "isPatientOnAnEhrSystemToday",
    "get_patient_profile_by_id_and_name_2",
    "Hydrochlorothiazide/Amlodipine 20mg/5mg",
    "Bearer of bad news",
    "<user name='a' note=fine>, <b>5 < 6</b>",
    "author: |-\n  Ada\nnotes:\n  - one\n  - two",
    "token=&note=fine",
    "Basic metabolic panel, basic exam, basic 24-hour monitoring",
    "Pin: removed from the left tibia. Key: improved. Signature: Dr Sample",
    "Key:\n  - improved\nSignature:\n  Dr Sample",
    "Pin: > 5 mm, pin: !",
    '<input name="note" value="fine"> and <b>a secret</b>',
    '{"name": "Key points", "value": "improved", ',
    "Name: Pin removed; value: none. Type of pin, values: 5",
    '<input name="password"> is a field; value: none',
    "name: Signature\ncontent: Dr Sample",
    "The token of thanks; the secret is out.",
    "422 at get_jwt: query.email: Field required",
    "no such path; use GET /jwt: it signs in",
    "GET /api/v2/ml-scribe/open-api/jwt: refused",
    "author: Ada; note=fine; session_id=1234567890; template_id=659b8042fe093d6592b41ef7",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) HeadlessChrome/131.0.6778.33 Safari/537.36",
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8",
    "GOLDILOCKS_SUPER_DETAILED_VOICE_STYLE",
    "test_the_client_asks_in_time[first-second]-12",
    "Blutdruck 120/80 mmHg, Pneumonoultramicroscopicsilicovolcanoconiosis",
    "---------------------------------------",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "",
]


@pytest.mark.parametrize("text", SHOWN)
def test_long_and_odd_words_are_not_credentials(text: str) -> None:
    assert [text[begin:end] for begin, end in found(text)] == []


def test_nearly_every_random_key_and_no_id_is_found() -> None:
    keys = [
        make(size) for make in (secrets.token_urlsafe, secrets.token_hex) for size in (24, 32, 48) for _ in range(200)
    ]
    ids = [
        make for _ in range(500) for make in (str(uuid.uuid4()), secrets.token_hex(12), f"kp_{secrets.token_hex(16)}")
    ]

    # Of 1,200 keys about 20 look like a word; 120 would be by far too many.
    assert sum(any(found(key)) for key in keys) > 0.9 * len(keys)
    assert [one for one in ids if any(found(one))] == []


def test_all_percent_decodings_are_undone() -> None:
    assert decoded("%252e") == "."
    assert decoded("100%") == "100%"


HOSTILE = [
    "password: !a ",
    "password: !password: ",
    "password: | # ",
    "password:\n",
    "password:\n  a\n",
    "password: |\n",
    "password:>",
    "pin: |\n",
    "value: {name: pin ",
    "name=pin ",
    "value=",
    "value:\n name:",
    "value:\n ",
    "value: [",
    "<a name=pin name=",
    "<a name=pin></a>",
    "<a name=pin>",
    "name=pin a",
    "pin: >#",
    "pin: | \n ",
    "password: ' ",
    "<a ",
    "<key>",
    "<key></key>",
    "<key a=b>",
    "<key><![CDATA[",
    "</key>",
    "-\n ",
]


@pytest.mark.parametrize("piece", HOSTILE)
def test_the_work_is_linear_in_the_length(piece: str) -> None:
    # With its square this would not end within the test's time limit.
    text = piece * (500_000 // len(piece)) + "}"

    assert all(begin < end <= len(text) for begin, end in found(text))
