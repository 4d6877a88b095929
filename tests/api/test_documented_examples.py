"""A fresh server answers every example of the vendor's pages with the documented keys and values, in order.

Each example runs on a new server, in this process, over a socket, and in strict mode. Only values that a service
generates each time (a token, an id, the current time) are not compared; each test names them.
"""

import json
from collections.abc import Iterator
from typing import Any, Protocol

import httpx
import jwt
import pytest
import shapes
from clients import JOHN, NOON, Client
from helpers import NO_LINKED_USER, PROFILE_NOT_FOUND, SESSION_NOT_FOUND, SUCCESS

from mock_heidi import MockHeidi, create_app

SET_ASIDE = "<set aside>"


class Ask(Protocol):
    def __call__(
        self, method: str, path: str, body: Any = None, /, form: Any = None, **headers: str
    ) -> httpx.Response: ...


@pytest.fixture(params=["in process", "over a socket", "in strict mode"])
def ask(request: pytest.FixtureRequest) -> Iterator[Ask]:
    """Sends one request, signed in, to a server that has just started; ``form`` is ``files`` and ``data``."""

    def asking(client: Client | httpx.Client) -> Ask:
        return lambda method, path, body=None, /, form=None, **headers: client.request(
            method, path, json=body, headers=headers, **(form or {})
        )

    if request.param == "over a socket":
        with MockHeidi(clock=NOON) as heidi, heidi.client() as http:
            yield asking(http)
    else:
        client = Client(create_app(clock=NOON, strict=request.param == "in strict mode"))
        yield asking(client)
        client.close()


def said(answer: httpx.Response, *aside: str) -> str:
    """The text of a successful answer, without the values at the named places (such as ``session.updated_at``)."""
    assert answer.status_code == 200, answer.text
    value = answer.json()
    for place in aside:
        *path, last = place.split(".")
        parent = value
        for step in path:
            parent = parent[step]
        assert last in parent, place
        parent[last] = SET_ASIDE
    return json.dumps(value, indent=1)


def documented(value: Any) -> str:
    """The text of a documented answer, to be compared with :func:`said`. The order of keys counts."""
    return json.dumps(value, indent=1)


def session(**changes: Any) -> dict[str, Any]:
    """The documented session as GET shows it, with changes to some of its values."""
    return shapes.SESSION.documented("get_session", **changes)


def updated(**changes: Any) -> dict[str, Any]:
    """The documented session as a PATCH answers it, updated now."""
    return shapes.SESSION.documented("update_session", updated_at=SET_ASIDE, **changes)


def test_signing_in(ask: Ask) -> None:
    answer = ask(
        "GET", "/jwt?email=test@heidihealth.com&third_party_internal_id=123", **{"Heidi-Api-Key": "mock-heidi-key"}
    )

    expected = shapes.TOKEN.documented(token=SET_ASIDE, expiration_time=SET_ASIDE)
    assert said(answer, "token", "expiration_time") == documented(expected)
    # The generated token must still be as documented: a JWT that expires at the time beside it.
    claims = jwt.decode(answer.json()["token"], options={"verify_signature": False})
    assert (answer.json()["expiration_time"], claims["exp"]) == ("2025-01-06T13:00:00.000Z", 1736168400)


def test_creating_a_patient_profile(ask: Ask) -> None:
    given = {
        "first_name": "John",
        "last_name": "Doe",
        "birth_date": "1990-01-15",
        "gender": "MALE",
        "ehr_patient_id": "EHR123456",
        "phone": "+1234567890",
        "email": "john.doe@example.com",
        "demographic_string": "John Doe, M, 1990-01-15",
        "additional_context": "Patient has a history of hypertension",
    }

    answer = ask("POST", "/patient-profiles", given)

    expected = shapes.PATIENT_PROFILE.unset("create_patient_profile", id=SET_ASIDE, **given)
    assert said(answer, "data.id") == documented({"data": expected})
    # The documented id is already used by a patient of the packaged fixtures.
    assert answer.json()["data"]["id"] != JOHN


def test_updating_a_patient_profile(ask: Ask) -> None:
    changes = {
        "first_name": "John",
        "last_name": "Smith",
        "demographic_string": "John Smith, M, 1990-01-15",
        "phone": "+1987654321",
        "email": "john.smith@example.com",
    }

    answer = ask("PATCH", "/patient-profiles/5eb7cf5a86d9755df3a6c593", changes)

    expected = shapes.PATIENT_PROFILE.documented("update_patient_profile", **changes)
    assert said(answer) == documented({"data": expected})


def test_deleting_patient_profiles(ask: Ask) -> None:
    answer = ask(
        "DELETE",
        "/patient-profiles:batch-delete",
        {"patient_profile_ids": ["5eb7cf5a86d9755df3a6c593", "5eb7cf5a86d9755df3a6c594"]},
    )

    assert said(answer) == documented(SUCCESS)


def test_linking_sessions(ask: Ask) -> None:
    answer = ask(
        "POST",
        "/patient-profiles/5eb7cf5a86d9755df3a6c593/sessions",
        {"session_ids": ["1234567890", "0987654321"]},
    )

    rows = [
        shapes.SESSION.documented("link_sessions"),
        shapes.SESSION.documented("link_sessions", **shapes.SECOND_SESSION),
    ]
    assert said(answer) == documented({"data": rows})
    # The times stay the same, since linking does not change the session.
    patient = shapes.SESSION_PATIENT.documented("get_session", name="John Doe", gender="MALE", dob="1990-01-15")
    linked = session(patient=patient, ehr_patient_id="EHR123456")
    assert said(ask("GET", "/sessions/1234567890")) == documented({"session": linked})


def test_listing_patient_profiles_begins_with_the_documented_one(ask: Ask) -> None:
    answer = ask("GET", "/patient-profiles")

    assert answer.status_code == 200
    assert list(answer.json()) == ["data"]
    assert documented(answer.json()["data"][0]) == documented(
        shapes.PATIENT_PROFILE.documented("list_patient_profiles")
    )


def test_listing_patient_profiles_by_the_record_systems_id(ask: Ask) -> None:
    answer = ask("GET", "/patient-profiles?ehr_patient_id=EHR123456&ehr_provider=Heidi")

    assert said(answer) == documented({"data": [shapes.PATIENT_PROFILE.documented("list_patient_profiles")]})


def test_getting_a_patient_profile(ask: Ask) -> None:
    answer = ask("GET", "/patient-profiles/5eb7cf5a86d9755df3a6c593")

    assert said(answer) == documented({"data": shapes.PATIENT_PROFILE.documented("get_patient_profile")})


def test_creating_a_session(ask: Ask) -> None:
    answer = ask(
        "POST",
        "/sessions",
        {"patient_profile_id": "5eb7cf5a86d9755df3a6c593", "ehr_appointment_id": "EHR1234"},
    )

    assert said(answer, "session_id") == documented({"session_id": SET_ASIDE})
    # The "1234567890" of the vendor's pages stands for a 128-bit number in decimal.
    assert 2**64 < int(answer.json()["session_id"]) < 2**128


def test_getting_a_session(ask: Ask) -> None:
    answer = ask("GET", "/sessions/1234567890")

    assert said(answer) == documented({"session": session()})


def test_updating_a_session(ask: Ask) -> None:
    changes = {
        "duration": 60,
        "language_code": "en",
        "output_language_code": "en",
        "patient": {"name": "John Doe", "gender": "MALE", "dob": "1990-01-01"},
        "clinician_notes": ["Note 1", "Note 2"],
        "generate_output_without_recording": False,
    }

    answer = ask("PATCH", "/sessions/1234567890", changes)

    # One page shows an empty clinician_notes after a request that fills it. We expect the notes of the request.
    patient = shapes.SESSION_PATIENT.documented("update_session", name="John Doe", gender="MALE", dob="1990-01-01")
    expected = updated(**changes | {"patient": patient})
    assert said(answer, "session.updated_at") == documented({"session": expected})


def test_updating_the_notes_of_a_session(ask: Ask) -> None:
    answer = ask(
        "PATCH",
        "/sessions/1234567890",
        {"clinician_notes": ["Medication history: paracetamol", "Allergies: penicillin"]},
    )

    assert said(answer, "session.updated_at") == documented(
        {"session": updated(clinician_notes=["Medication history: paracetamol", "Allergies: penicillin"])}
    )


def test_linking_sessions_as_context(ask: Ask) -> None:
    answer = ask("PATCH", "/sessions/1234567890", {"linked_sessions_for_context": ["1234567891", "1234567892"]})

    assert said(answer, "session.updated_at") == documented(
        {"session": updated(linked_sessions_for_context=["1234567891", "1234567892"])}
    )


def test_linking_an_account(ask: Ask) -> None:
    answer = ask("POST", "/users/linked-account", {"kinde_user_id": "kp_xxx"})

    aside = dict.fromkeys(("_id", "created_at", "updated_at"), SET_ASIDE)
    expected = shapes.LINKED_ACCOUNT.documented("link_account", **aside)
    assert said(answer, *(f"account.{name}" for name in aside)) == documented({"account": expected})
    assert len(answer.json()["account"]["_id"]) == 24


def test_linking_an_account_twice(ask: Ask) -> None:
    ask("POST", "/users/linked-account", {"kinde_user_id": "kp_xxx"})

    answer = ask("POST", "/users/linked-account", {"kinde_user_id": "kp_xxx"})

    assert answer.status_code == 409
    assert documented(answer.json()) == documented(
        {
            "detail": {
                "msg": "Heidi account with user_id kp_xxx already linked to an OpenAPI User",
                "type": "OpenAPIHeidiAccountAlreadyLinkedError",
            }
        }
    )


def test_asking_for_the_linked_account(ask: Ask) -> None:
    ask("POST", "/users/linked-account", {"kinde_user_id": "kp_xxx"})

    answer = ask("GET", "/users/linked-account/access")

    expected = shapes.ACCOUNT_ACCESS.documented(heidi_email=SET_ASIDE, linked_account_plan=SET_ASIDE)
    assert said(answer, "heidi_email", "linked_account_plan") == documented(expected)


def test_unlinking_an_account(ask: Ask) -> None:
    ask("POST", "/users/linked-account", {"kinde_user_id": "kp_xxx"})

    assert said(ask("DELETE", "/users/linked-account:unlink")) == documented(SUCCESS)


@pytest.mark.parametrize("kind", ["consult-note", "document"])
def test_listing_templates_begins_with_the_documented_one(ask: Ask, kind: str) -> None:
    answer = ask("GET", f"/templates/{kind}-templates")

    assert answer.status_code == 200
    assert list(answer.json()) == ["templates"]
    first = answer.json()["templates"][0] | {"structure_template": SET_ASIDE, "template_html": SET_ASIDE}
    assert documented(first) == documented(
        shapes.TEMPLATE.documented(structure_template=SET_ASIDE, template_html=SET_ASIDE)
    )


def test_listing_the_sessions_of_the_linked_user(ask: Ask) -> None:
    ask("POST", "/users/linked-account", {"kinde_user_id": "kp_xxx"})
    for _ in range(13):
        ask("POST", "/sessions")

    answer = ask("GET", "/sessions/linked-user?page_size=10")

    assert said(answer, "sessions") == documented(shapes.SESSION_PAGE.documented(sessions=SET_ASIDE))


def test_listing_the_sessions_of_a_user_who_is_not_linked(ask: Ask) -> None:
    answer = ask("GET", "/sessions/linked-user?page_size=10")

    assert answer.status_code == 400
    assert documented(answer.json()) == documented(NO_LINKED_USER)


TIMES = {"start_time": "2024-12-11T03:57:57Z", "end_time": "2024-12-11T04:12:57Z"}


def test_uploading_audio(ask: Ask) -> None:
    form = {"files": {"file": ("visit.wav", b"RIFF", "audio/wav")}, "data": TIMES}

    answer = ask("POST", "/sessions/1234567890/upload-audio", form=form)

    expected = shapes.UPLOADED_AUDIO.documented(id=SET_ASIDE, created_at=SET_ASIDE)
    assert said(answer, "uploaded_audio.id", "uploaded_audio.created_at") == documented({"uploaded_audio": expected})


def test_uploading_a_file_that_is_not_audio(ask: Ask) -> None:
    form = {"files": {"file": ("visit.txt", b"words", "text/plain")}, "data": TIMES}

    answer = ask("POST", "/sessions/1234567890/upload-audio", form=form)

    assert (answer.status_code, documented(answer.json())) == (
        400,
        documented({"detail": "only audio file is allowed"}),
    )


def test_recording_in_segments(ask: Ask) -> None:
    path = "/sessions/1234567890/restful-segment-transcription"

    started = ask("POST", path)
    recording = f"{path}/{started.json()['recording_id']}"
    form = {"files": {"file": ("0.wav", b"RIFF", "audio/wav")}, "data": {"index": "0"}}
    sent = ask("POST", f"{recording}:transcribe", form=form)
    finished = ask("POST", f"{recording}:finish")

    assert said(started, "recording_id") == documented({"recording_id": SET_ASIDE})
    assert started.json()["recording_id"].isdecimal()
    assert said(sent) == said(finished) == documented(SUCCESS)


def test_asking_for_the_transcript(ask: Ask) -> None:
    assert said(ask("GET", "/sessions/1234567890/transcript")) == documented({"transcript": ""})


def test_generating_a_consult_note(ask: Ask) -> None:
    answer = ask(
        "POST",
        "/sessions/1234567890/consult-note",
        {
            "generation_method": "TEMPLATE",
            "addition": "",
            "template_id": "659b8042fe093d6592b41ef7",
            "voice_style": "GOLDILOCKS",
            "brain": "LEFT",
        },
    )

    note = ask("GET", "/sessions/1234567890").json()["session"]["consult_note"]
    pieces = [json.loads(event.removeprefix("data: "))["data"] for event in answer.text.split("\n\n")[:-1]]
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    asked = {"brain": "LEFT", "voice_style": "GOLDILOCKS", "template_id": "659b8042fe093d6592b41ef7"}
    expected = shapes.CONSULT_NOTE.documented(status=SET_ASIDE, result="".join(pieces), heading="H & P", **asked)
    assert documented(note | {"status": SET_ASIDE}) == documented(expected)


def test_answering_a_custom_template(ask: Ask) -> None:
    question = {
        "questionId": "q1",
        "question": "When did it begin?",
        "description": "",
        "answerType": "DateResponse",
        "dateFormat": "D MMM YYYY",
        "repeatable": False,
    }

    answer = ask(
        "POST",
        "/sessions/1234567890/client-customised-template/response",
        {"template": "", "questions": [question], "summaryRequired": True, "metadata": None},
    )

    # The documented session was created on that day.
    answers = [{"value": "11 Dec 2024"}]
    expected = shapes.CUSTOM_ANSWER.documented(
        content=SET_ASIDE, questionAnswers=[{**question, "answer": answers}], summary=SET_ASIDE
    )
    assert said(answer, "content", "summary") == documented(expected)


def test_generating_a_document(ask: Ask) -> None:
    made = ask(
        "POST",
        "/sessions/1234567890/documents",
        {
            "document_tab_type": "DOCUMENT",
            "generation_method": "TEMPLATE",
            "template_id": "66455a5f0b0a1c8d018c6896",
            "voice_style": "GOLDILOCKS",
            "brain": "LEFT",
            "content_type": "MARKDOWN",
        },
    )
    listed = ask("GET", "/sessions/1234567890/documents")

    aside = ("id", "name", "content")
    assert said(made, *aside) == documented(shapes.DOCUMENT_CREATED.documented(**dict.fromkeys(aside, SET_ASIDE)))
    row = shapes.DOCUMENT_LISTED.documented(**{name: made.json()[name] for name in aside})
    assert said(listed) == documented({"documents": [row]})


def test_asking_heidi(ask: Ask) -> None:
    answer = ask(
        "POST",
        "/sessions/1234567890/ask-ai",
        {
            "ai_command_text": "Summarise the following text",
            "content": "My long paragraph of text",
            "content_type": "MARKDOWN",
        },
    )

    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/event-stream; charset=utf-8")
    assert answer.content == (
        b'data: {"data": "My "}\n\ndata: {"data": "summary"}\n\n'
        b'data: {"data": " of the "}\n\ndata: {"data": "text."}\n\n'
    )


def test_asking_for_clinical_codes(ask: Ask) -> None:
    answer = ask("GET", "/sessions/1234567890/clinical-codes")

    # The documented note has no term with a code. The offsets on the page belong to another note.
    expected = shapes.CLINICAL_CODES.documented(id=SET_ASIDE, consult_note_id=SET_ASIDE)
    assert said(answer, "id", "consult_note_id") == documented(expected)


@pytest.mark.parametrize(
    ("method", "path", "body", "error"),
    [
        ("GET", "/patient-profiles/5eb7cf5a86d9755df3a6c594", None, PROFILE_NOT_FOUND),
        ("PATCH", "/patient-profiles/5eb7cf5a86d9755df3a6c594", {"phone": "1"}, PROFILE_NOT_FOUND),
        ("POST", "/patient-profiles/5eb7cf5a86d9755df3a6c594/sessions", {"session_ids": []}, PROFILE_NOT_FOUND),
        ("POST", f"/patient-profiles/{JOHN}/sessions", {"session_ids": ["1234567891"]}, SESSION_NOT_FOUND),
        ("POST", "/sessions", {"patient_profile_id": "5eb7cf5a86d9755df3a6c594"}, PROFILE_NOT_FOUND),
        ("GET", "/sessions/1234567891", None, SESSION_NOT_FOUND),
        ("PATCH", "/sessions/1234567891", {"duration": 60}, SESSION_NOT_FOUND),
    ],
)
def test_unknown_records_are_refused_in_the_documented_words(
    ask: Ask, method: str, path: str, body: Any, error: dict[str, Any]
) -> None:
    answer = ask(method, path, body)

    assert (answer.status_code, documented(answer.json())) == (404, documented(error))
