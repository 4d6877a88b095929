"""The cases of assumptions: for each of them requests that observe it, and their result under each value."""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

import httpx
from audio import spoken
from clients import JOHN, Client
from helpers import SESSION

from mock_heidi.base.assumptions import assumptions

NOBODY = "f" * 24
ASK = {"ai_command_text": "Summarise", "content": "One. Two.", "content_type": "MARKDOWN"}
NOTE = {
    "generation_method": "TEMPLATE",
    "addition": "",
    "template_id": "659b8042fe093d6592b41ef7",
    "voice_style": "GOLDILOCKS",
    "brain": "LEFT",
}
USER = {"email": "test@heidihealth.com", "third_party_internal_id": "123"}
KEY = {"Heidi-Api-Key": "mock-heidi-key"}
LINK = {"kinde_user_id": "kp_c2487b8e79e3413e8cd590ec43d41c9a"}
TEXT_FILE = {"file": ("notes.txt", b"words", "text/plain")}


class Case(NamedTuple):
    """A function that observes what an assumption decides, and its result for each value."""

    look: Callable[[Client], Any]
    expected: dict[Any, Any]


def status(method: str, path: str, **options: Any) -> Callable[[Client], int]:
    """A function that returns the status of one request."""
    return lambda client: client.request(method, path, **options).status_code


def new_session(client: Client) -> str:
    return f"/sessions/{client.post('/sessions').json()['session_id']}"


def sent_gender(client: Client) -> list[Any]:
    """The stored genders of two spellings, or the status of the refusal."""
    answers = [client.post("/patient-profiles", json={"gender": word}) for word in ("male", "unknown")]
    return [answer.json()["data"]["gender"] if answer.is_success else answer.status_code for answer in answers]


def near_types(client: Client) -> Any:
    sent = {"birth_date": "1990-01-15T00:00:00", "patient_sex_code": "1"}
    answer = client.post("/patient-profiles", json=sent)
    return answer.json()["data"]["birth_date"] if answer.is_success else answer.status_code


def forged_token(client: Client) -> tuple[int, Any]:
    answer = client.get("/patient-profiles", headers={"Authorization": "Bearer forged"})
    return answer.status_code, answer.json()["detail"]


def missing_token(client: Client) -> tuple[int, bool]:
    answer = client.get("/patient-profiles", signed=False)
    return answer.status_code, "www-authenticate" in answer.headers


def stream(client: Client) -> tuple[str, bytes]:
    answer = client.post(f"/sessions/{SESSION}/ask-ai", json=ASK)
    return answer.headers["content-type"], answer.content


def refusal(client: Client) -> Any:
    """The detail of a 422."""
    return client.post("/patient-profiles", json={"gender": "unknown", "first_name": 1}).json()["detail"]


def note_status(client: Client) -> Any:
    client.post(f"/sessions/{SESSION}/consult-note", json=NOTE)
    return client.get(f"/sessions/{SESSION}").json()["session"]["consult_note"]["status"]


def note_without_recording(client: Client) -> list[int]:
    """The statuses of a note in a session without a recording, before and after the session allows it."""
    path = new_session(client)
    first = client.post(f"{path}/consult-note", json=NOTE).status_code
    client.patch(path, json={"generate_output_without_recording": True})
    return [first, client.post(f"{path}/consult-note", json=NOTE).status_code]


def next_page(client: Client) -> Any:
    client.post("/users/linked-account", json=LINK)
    for _ in range(2):
        client.post("/sessions")
    page = client.get("/sessions/linked-user", params={"page_size": 1}).json()
    assert page["has_next_page"] is True
    return page["next_page"]


def linked_twice(client: Client) -> int:
    client.post("/users/linked-account", json=LINK)
    return client.post("/users/linked-account", json=LINK).status_code


def creations(client: Client) -> set[int]:
    """The statuses of all operations that create a record."""
    audio = {"file": ("visit.wav", b"RIFF", "audio/wav")}
    sent: list[tuple[str, dict[str, Any]]] = [
        ("/users/linked-account", {"json": LINK}),
        ("/patient-profiles", {"json": {}}),
        ("/sessions", {}),
        (
            f"/sessions/{SESSION}/context-documents",
            {"files": {"context_documents": ("a.pdf", b"%PDF", "application/pdf")}},
        ),
        (f"/sessions/{SESSION}/upload-audio", {"files": audio}),
        (f"/sessions/{SESSION}/restful-segment-transcription", {}),
        (
            f"/sessions/{SESSION}/documents",
            {"json": {"generation_method": "TEMPLATE", "template_id": NOTE["template_id"]}},
        ),
    ]
    return {client.post(path, **options).status_code for path, options in sent}


def finished_recording(client: Client) -> int:
    live = f"/sessions/{SESSION}/restful-segment-transcription"
    path = f"{live}/{client.post(live).json()['recording_id']}"
    client.post(f"{path}:finish")
    segment = {"file": ("0.wav", b"RIFF", "audio/wav")}
    return client.post(f"{path}:transcribe", files=segment, data={"index": "0"}).status_code


def unread_audio(client: Client) -> list[Any]:
    """The durations of a new session with an upload, and with a segment, that are not audio."""
    durations = []
    for live in (False, True):
        path = new_session(client)
        if live:
            path += "/restful-segment-transcription"
            path += f"/{client.post(path).json()['recording_id']}"
        file = {"file": ("visit.wav", b"no audio", "audio/wav")}
        client.post(f"{path}:transcribe" if live else f"{path}/upload-audio", files=file, data={"index": "0"})
        durations.append(client.get("/".join(path.split("/")[:3])).json()["session"]["duration"])
    return durations


def lost_audio(client: Client) -> int:
    client.post("/_mock/faults", json={"operation": "upload_audio", "error": "UploadFailedError"})
    return client.post(f"/sessions/{SESSION}/upload-audio", files=TEXT_FILE).status_code


def other_user(client: Client) -> int:
    """The status of linking an account that another user of the key has linked."""
    client.sign_in(third="other")
    client.post("/users/linked-account", json=LINK)
    client.sign_in()
    return client.post("/users/linked-account", json=LINK).status_code


def refused_bodies(client: Client) -> list[int]:
    """The statuses of creating a profile and a session with null in the body."""
    bodies = {"/patient-profiles": {"gender": None}, "/sessions": {"ehr_appointment_id": None}}
    return [client.post(path, json=body).status_code for path, body in bodies.items()]


def null_in_update(client: Client) -> Any:
    """The patient's name after two updates with null, or the statuses of their refusals."""
    path = f"/sessions/{SESSION}"
    client.patch(path, json={"patient": {"name": "Ada"}})
    statuses = [client.patch(path, json=body).status_code for body in ({"patient": {"name": None}}, {"duration": None})]
    shown = client.get(path).json()["session"]
    return shown["patient"]["name"], shown["duration"], statuses


def linked_times(client: Client) -> bool:
    """True if linking a session renews its updated_at."""
    before = client.get(f"/sessions/{SESSION}").json()["session"]["updated_at"]
    after = link(client, SESSION).json()["data"][0]["updated_at"]
    assert client.get(f"/sessions/{SESSION}").json()["session"]["updated_at"] == after
    return bool(after != before)


def link(client: Client, *sessions: str, profile: str = JOHN) -> httpx.Response:
    return client.post(f"/patient-profiles/{profile}/sessions", json={"session_ids": sessions})


def link_again(client: Client) -> int:
    link(client, SESSION)
    return link(client, SESSION).status_code


def link_moves(client: Client) -> tuple[int, str]:
    """The status of linking to another profile, and the patient name of the session afterwards."""
    link(client, SESSION)
    other = client.post("/patient-profiles", json={"first_name": "Ada"}).json()["data"]["id"]
    status = link(client, SESSION, profile=other).status_code
    return status, client.get(f"/sessions/{SESSION}").json()["session"]["patient"]["name"]


def link_unknown(client: Client) -> tuple[int, str]:
    """The status of linking a known and an unknown session, and the patient of the known one."""
    status = link(client, SESSION, "1").status_code
    return status, client.get(f"/sessions/{SESSION}").json()["session"]["patient"]["name"]


def two_profiles(client: Client) -> int:
    return [client.post("/patient-profiles", json={"ehr_patient_id": "E-1"}).status_code for _ in range(2)][1]


def unset_demographics(client: Client) -> list[Any]:
    made = client.post("/patient-profiles", json={"ehr_patient_id": "E-1"}).json()["data"]
    path = f"/patient-profiles/{made['id']}"
    listed = client.get("/patient-profiles", params={"ehr_patient_id": "E-1"}).json()["data"][0]
    shown = [made, client.patch(path, json={"phone": "1"}).json()["data"], client.get(path).json()["data"], listed]
    return [row["demographic_string"] for row in shown]


def sessions_of_deleted(client: Client) -> int:
    """The status of a session whose profile is deleted."""
    link(client, SESSION)
    client.delete("/patient-profiles:batch-delete", json={"patient_profile_ids": [JOHN]})
    return client.get(f"/sessions/{SESSION}").status_code


def delete_unknown(client: Client) -> list[int]:
    """The statuses of deleting a known and an unknown profile together, and of reading the known one."""
    deleted = client.delete("/patient-profiles:batch-delete", json={"patient_profile_ids": [JOHN, NOBODY]})
    return [deleted.status_code, client.get(f"/patient-profiles/{JOHN}").status_code]


def profile_order(client: Client) -> list[str]:
    rows = client.get("/patient-profiles").json()["data"]
    return [rows[0]["id"] == JOHN, rows[-1]["id"] == JOHN]


def upload(client: Client, seconds: int = 7, path: str = f"/sessions/{SESSION}") -> httpx.Response:
    return client.post(f"{path}/upload-audio", files={"file": ("visit.wav", spoken(seconds), "audio/wav")})


def durations(client: Client) -> list[Any]:
    """The duration before and after an upload of 7 seconds to a session of 16 seconds."""
    shown = []
    for _ in range(2):
        shown.append(client.get(f"/sessions/{SESSION}").json()["session"]["duration"])
        upload(client)
    return shown


def name_and_gist(client: Client) -> tuple[str, Any]:
    """The session's name and gist after audio and a note."""
    path = new_session(client)
    upload(client, path=path)
    client.get(f"{path}/transcript")
    client.post(f"{path}/consult-note", json=NOTE)
    session = client.get(path).json()["session"]
    assert client.patch(path, json={"duration": 1}).json()["session"]["session_name"] == session["session_name"]
    return session["session_name"], session.get("session_gist", "absent")


def shown_patient(client: Client) -> tuple[str, Any]:
    link(client, SESSION)
    session = client.get(f"/sessions/{SESSION}").json()["session"]
    return session["patient"]["name"], session["ehr_patient_id"]


def update_keys(client: Client) -> tuple[int, bool]:
    """The number of keys in the answer to a PATCH, and whether audio is one of them."""
    session = client.patch(f"/sessions/{SESSION}", json={"duration": 1}).json()["session"]
    return len(session), "audio" in session


def linked_echo(client: Client) -> list[Any]:
    bodies: list[dict[str, Any]] = [{"duration": 1}, {"linked_sessions_for_context": ["1"]}]
    answers = [client.patch(f"/sessions/{SESSION}", json=body).json()["session"] for body in bodies]
    return [answer.get("linked_sessions_for_context", "absent") for answer in answers]


def merged_patient(client: Client) -> str:
    for patient in ({"name": "Ada"}, {"gender": "OTHER"}):
        shown = client.patch(f"/sessions/{SESSION}", json={"patient": patient}).json()["session"]
    return str(shown["patient"]["name"])


def listed(client: Client, **query: Any) -> httpx.Response:
    """A page of the sessions of a user who is linked after the first of two new sessions is made."""
    client.sign_in(third="other")
    client.post("/sessions")
    client.sign_in(third="new")
    client.post("/sessions", json={"ehr_appointment_id": "first"})
    client.post("/_mock/clock/advance", json={"seconds": 60})
    client.post("/users/linked-account", json=LINK)
    client.post("/sessions", json={"ehr_appointment_id": "second"})
    return client.get("/sessions/linked-user", params=query)


def linked_sessions(client: Client) -> list[str]:
    return [row["ehr_appt_id"] for row in listed(client).json()["sessions"][:2]]


def first_page(client: Client) -> tuple[Any, Any]:
    """The next page after the one without a number, and the status of page 0."""
    made = listed(client, page_size=1).json()
    zero = client.get("/sessions/linked-user", params={"page": 0})
    return made["next_page"], zero.status_code


def audio_rows(client: Client) -> tuple[int, list[int]]:
    """The index of an upload after a live segment, and the indexes of the rows of audio."""
    live = f"/sessions/{SESSION}/restful-segment-transcription"
    path = f"{live}/{client.post(live).json()['recording_id']}"
    segment = {"file": ("0.wav", spoken(5), "audio/wav")}
    client.post(f"{path}:transcribe", files=segment, data={"index": "0"})
    index = upload(client).json()["uploaded_audio"]["index"]
    return index, [row["index"] for row in client.get(f"/sessions/{SESSION}").json()["session"]["audio"]]


def document_keys(client: Client) -> set[str]:
    """The keys of a document in a session, out of ``index`` and ``content_type``."""
    made = {"generation_method": "TEMPLATE", "template_id": NOTE["template_id"]}
    client.post(f"/sessions/{SESSION}/documents", json=made)
    client.patch(f"/sessions/{SESSION}", json={"duration": 1})
    row = client.get(f"/sessions/{SESSION}").json()["session"]["documents"][0]
    return {"index", "content_type"} & set(row)


PDF = ("referral.pdf", b"%PDF", "application/pdf")
DOCUMENTS = f"/sessions/{SESSION}/context-documents"


def uploaded(client: Client, *files: tuple[str, bytes, str], meta_data: str | None = '{"date": "2024-12-01"}') -> Any:
    """The context documents that an upload creates, or the status of the refusal."""
    answer = client.post(
        DOCUMENTS,
        files=[("context_documents", file) for file in files or (PDF,)],
        data={} if meta_data is None else {"meta_data": meta_data},
    )
    return answer.json()["context_documents"] if answer.is_success else answer.status_code


def uploads_taken(*files: tuple[str, bytes, str]) -> Callable[[Client], list[bool]]:
    """A function that returns the files that are accepted."""
    return lambda client: [uploaded(client, file) != 400 for file in files]


def documents_left(*, query: Any = None, body: Any = None) -> Callable[[Client], Any]:
    """A function that returns how many of two documents a delete leaves, or the status of the refusal.

    ``{}`` in the query or the body stands for the id of the first one.
    """

    def look(client: Client) -> Any:
        first = uploaded(client, PDF, PDF)[0]["id"]
        there = {name: [one.format(first) for one in ids or ()] for name, ids in (("query", query), ("body", body))}
        sent = {"ids": there["body"]} if body else None
        answer = client.request("DELETE", DOCUMENTS, params={"ids": there["query"]}, json=sent)
        return len(client.get(DOCUMENTS).json()["context_documents"]) if answer.is_success else answer.status_code

    return look


LIVE = f"/sessions/{SESSION}/restful-segment-transcription"


def new_recording(client: Client) -> str:
    return f"{LIVE}/{client.post(LIVE).json()['recording_id']}"


def send(client: Client, recording: str, index: str, kind: str = "audio/wav") -> int:
    """The status of a segment of 2 s."""
    segment = {"file": ("part.wav", spoken(2), kind)}
    return client.post(f"{recording}:transcribe", files=segment, data={"index": index}).status_code


def segments(*indexes: str) -> Callable[[Client], list[Any]]:
    """A function that returns the statuses of segments with these indexes, and the stored indexes."""

    def look(client: Client) -> list[Any]:
        recording = new_recording(client)
        statuses = [send(client, recording, index) for index in indexes]
        [session] = [one for one in client.state()["sessions"] if one["session_id"] == SESSION]
        return [*statuses, [piece["index"] for piece in session.get("audio", [])]]

    return look


def after_the_end(client: Client) -> list[int]:
    """The statuses of finishing a recording again and of a segment after its end."""
    recording = new_recording(client)
    client.post(f"{recording}:finish")
    return [client.post(f"{recording}:finish").status_code, send(client, recording, "0")]


def upload_between(start: str, end: str) -> Callable[[Client], int]:
    """A function that returns the status of an upload with these times."""
    return status(
        "POST",
        f"/sessions/{SESSION}/upload-audio",
        files={"file": ("visit.wav", spoken(2), "audio/wav")},
        data={"start_time": start, "end_time": end},
    )


def sent_again(client: Client) -> str:
    """The source of a segment that was sent twice."""
    recording = new_recording(client)
    send(client, recording, "0")
    send(client, recording, "0")
    [chunk] = client.get(f"/sessions/{SESSION}/transcript/live").json()["chunks"]
    return str(chunk["source"])


LETTER = "66455a5f0b0a1c8d018c6896"


def shown_in_note(client: Client) -> list[Any]:
    client.post(f"/sessions/{SESSION}/consult-note", json=NOTE)
    note = client.get(f"/sessions/{SESSION}").json()["session"]["consult_note"]
    return [note["template_id"], note["voice_style"]]


def asked_note(**fields: Any) -> Callable[[Client], int]:
    """A function that returns the status of a note with other fields."""
    return status("POST", f"/sessions/{SESSION}/consult-note", json={**NOTE, **fields})


def crossed_templates(client: Client) -> list[int]:
    """The statuses of a note from a document template and of a document from a note template."""
    document = {"generation_method": "TEMPLATE", "template_id": NOTE["template_id"]}
    made = client.post(f"/sessions/{SESSION}/documents", json=document)
    return [asked_note(template_id=LETTER)(client), made.status_code]


def unsaid_forms(client: Client) -> list[Any]:
    """The content type of a document, and whether a note is HTML, if the request names no content type."""
    document = {"generation_method": "TEMPLATE", "template_id": LETTER}
    made = client.post(f"/sessions/{SESSION}/documents", json=document).json()
    client.post(f"/sessions/{SESSION}/consult-note", json=NOTE)
    note = client.get(f"/sessions/{SESSION}").json()["session"]["consult_note"]["result"]
    return [made["content_type"], made["content"].startswith("<"), note.startswith("<")]


def templates_of_documents(client: Client) -> list[Any]:
    """The template_id of a document without a template, and of one with, in both lists; ``absent`` without the key."""
    made = [{"name": "Letter", "content": "Dear"}, {"name": "Letter", "content": "Dear", "template_id": LETTER}]
    client.put(f"/_mock/sessions/{SESSION}", json={"documents": made})
    rows = client.get(f"/sessions/{SESSION}/documents").json()["documents"]
    rows += client.get(f"/sessions/{SESSION}").json()["session"]["documents"]
    return [row.get("template_id", "absent") for row in rows]


QUESTION = {"questionId": "1", "question": "Smoker?", "description": "", "answerType": "TextArea", "repeatable": False}
TEMPLATE = {"template": "Smoking", "questions": [QUESTION], "summaryRequired": False, "metadata": None}


def custom_templates(*bodies: dict[str, Any]) -> Callable[[Client], list[int]]:
    """A function that returns the statuses of answers to custom templates."""

    def look(client: Client) -> list[int]:
        path = f"/sessions/{SESSION}/client-customised-template/response"
        return [client.post(path, json=body).status_code for body in bodies]

    return look


def question(**fields: Any) -> dict[str, Any]:
    """A custom template with a question that contains one with these fields."""
    inner = {name: value for name, value in {**QUESTION, **fields}.items() if value is not None}
    return {**TEMPLATE, "questions": [{**QUESTION, "childQuestions": [inner]}]}


def codes_without_note(client: Client) -> Any:
    """The codes of a session that has a transcript and no note, or the status of the refusal."""
    path = new_session(client)
    client.put(f"/_mock{path}", json={"transcript": "I have a cough."})
    answer = client.get(f"{path}/clinical-codes")
    if not answer.is_success:
        return answer.status_code
    body = answer.json()
    [entity] = body["clinical_entities"]
    [heard] = entity["reference_in_transcript"]
    return [body["consult_note_id"], entity["location_in_note"], heard["transcript_text"]]


def code_places(client: Client) -> list[tuple[int, int]]:
    """The offsets of "cough" in a note and in a transcript that both begin with a letter beyond U+FFFF."""
    said = {"transcript": "😀 cough", "consult_note": {"result": "😀 cough"}}
    client.put(f"/_mock/sessions/{SESSION}", json=said)
    [entity] = client.get(f"/sessions/{SESSION}/clinical-codes").json()["clinical_entities"]
    places = [*entity["location_in_note"], entity["reference_in_transcript"][0]["location_in_transcript"]]
    return [(place["start"], place["end"]) for place in places]


PIECES = [b'{"data": "One.\\nT"}', b'{"data": "wo."}']
DETAIL = {"msg": "Token is invalid", "type": "InvalidTokenError"}
CASES = {
    "json_content_type": Case(status("POST", "/patient-profiles", content=b"{}"), {"any": 200, "json_only": 422}),
    "type_coercion": Case(near_types, {"strict": 422, "lax": "1990-01-15"}),
    "gender_case": Case(sent_gender, {"any_case": ["MALE", 422], "exact": [422, 422], "any_text": ["male", "unknown"]}),
    "missing_token": Case(missing_token, {401: (401, True), 403: (403, False)}),
    "bad_token": Case(
        forged_token,
        {"object_401": (401, DETAIL), "string_401": (401, "Token is invalid"), "object_403": (403, DETAIL)},
    ),
    "bad_api_key": Case(
        status("GET", "/jwt", signed=False, headers={"Heidi-Api-Key": "wrong"}), {401: 401, 403: 403, 422: 422}
    ),
    "validation_errors": Case(
        refusal,
        {
            "pydantic2": [
                {
                    "type": "string_type",
                    "loc": ["body", "first_name"],
                    "msg": "Input should be a valid string",
                    "input": 1,
                },
                {
                    "type": "literal_error",
                    "loc": ["body", "gender"],
                    "msg": "Input should be 'MALE', 'FEMALE' or 'OTHER'",
                    "input": "unknown",
                    "ctx": {"expected": "'MALE', 'FEMALE' or 'OTHER'"},
                },
            ],
            "pydantic1": [
                {"loc": ["body", "first_name"], "msg": "str type expected", "type": "type_error.str"},
                {
                    "loc": ["body", "gender"],
                    "msg": "unexpected value; permitted: 'MALE', 'FEMALE' or 'OTHER'",
                    "type": "value_error.const",
                },
            ],
            "sentence": "body.first_name: Input should be a valid string; "
            "body.gender: Input should be 'MALE', 'FEMALE' or 'OTHER'",
        },
    ),
    "profile_not_found": Case(status("GET", f"/patient-profiles/{NOBODY}"), {404: 404, 400: 400}),
    "template_not_found": Case(
        status("POST", f"/sessions/{SESSION}/consult-note", json={**NOTE, "template_id": NOBODY}),
        {404: 404, 400: 400, 422: 422},
    ),
    "template_required": Case(
        status("POST", f"/sessions/{SESSION}/consult-note", json={**NOTE, "template_id": None}), {422: 422, 400: 400}
    ),
    "recording_not_found": Case(
        status("POST", f"/sessions/{SESSION}/restful-segment-transcription/{NOBODY}:finish"), {404: 404, 400: 400}
    ),
    "recording_finished": Case(finished_recording, {400: 400, 409: 409}),
    "consult_note_not_found": Case(
        lambda client: client.get(f"{new_session(client)}/clinical-codes").status_code, {400: 400, 404: 404, 409: 409}
    ),
    "coding_enabled": Case(
        lambda client: (
            client.get(f"{new_session(client)}/clinical-codes").json()["detail"]["type"]
            + str(client.get(f"{new_session(client)}/clinical-codes").status_code)
        ),
        {
            "enabled": "ConsultNoteNotFoundError400",
            "refused_400": "CodingNotEnabledError400",
            "refused_403": "CodingNotEnabledError403",
        },
    ),
    "context_documents_methods": Case(
        lambda client: [
            (answer.status_code, answer.headers.get("allow"))
            for answer in (client.request(method, DOCUMENTS) for method in ("GET", "DELETE", "PUT"))
        ],
        {
            "served": [(200, None), (200, None), (405, "DELETE, GET, POST")],
            "refused_405": [(405, "POST")] * 3,
        },
    ),
    "context_documents_delete": Case(
        lambda client: [documents_left(query=["{}"])(client), documents_left(body=["{}"])(client)],
        {"query_or_body": [1, 2], "query": [1, 3], "body": [2, 3]},
    ),
    "context_documents_delete_unknown": Case(documents_left(query=[NOBODY, "{}"]), {"ignored": 1, "refused_404": 404}),
    "context_documents_delete_none": Case(documents_left(), {"nothing": 2, "refused_422": 422, "all": 0}),
    "context_document_name": Case(
        lambda client: uploaded(client)[0]["name"], {"file_name": "referral.pdf", "none": None}
    ),
    "meta_data_required": Case(
        lambda client: [type(uploaded(client, meta_data=text)) for text in (None, "")],
        {False: [list, list], True: [int, int]},
    ),
    "meta_data_form": Case(
        lambda client: [type(uploaded(client, meta_data=text)) for text in ("{", '{"date": 1}')],
        {"refused_422": [int, int], "ignored": [list, list]},
    ),
    "file_type_detection": Case(
        uploads_taken(
            ("a.PDF", b"MZ", "text/plain"), ("a.exe", b"MZ", "application/pdf"), ("a.exe", b"%PDF", "text/plain")
        ),
        {"file_name": [True, False, False], "content_type": [False, True, False], "content": [False, False, True]},
    ),
    "jpeg_extension": Case(
        uploads_taken(("scan.JPEG", b"\xff\xd8\xff", "image/jpeg"), ("a.exe", b"MZ", "text/plain")),
        {"refused": [False, False], "accepted": [True, False]},
    ),
    "file_type_rejected": Case(
        status(
            "POST",
            f"/sessions/{SESSION}/context-documents",
            files={"context_documents": ("a.exe", b"MZ", "text/plain")},
        ),
        {400: 400, 415: 415, 422: 422},
    ),
    "upload_times": Case(
        lambda client: [upload_between("noon", "")(client), upload_between("", "2024-12-11T25:00:00Z")(client)],
        {"iso_8601": [422, 422], "any_text": [200, 200]},
    ),
    "upload_times_order": Case(
        upload_between("2024-12-11T04:00:00Z", "2024-12-11T03:00:00Z"), {"detected_length": 200, "refused_422": 422}
    ),
    "segment_repeat": Case(
        segments("0", "0"),
        {"replaces": [200, 200, [0]], "appended": [200, 200, [0, 1]], "refused_409": [200, 409, [0]]},
    ),
    "segment_index": Case(
        segments("3", "last", ""), {"number": [200, 422, 422, [3]], "any_text": [200, 200, 200, [3, 4, 5]]}
    ),
    "segment_type": Case(
        lambda client: send(client, new_recording(client), "0", "text/plain"), {"not_checked": 200, "refused_400": 400}
    ),
    "segment_after_finish": Case(after_the_end, {"refused": [200, 400], "accepted": [200, 200]}),
    "finish_twice": Case(after_the_end, {"allowed": [200, 400], "refused_400": [400, 400]}),
    "recording_status_values": Case(
        status("GET", f"/sessions/{SESSION}/transcript/live?recording_status=paused"),
        {"in_progress": 200, "refused_422": 422},
    ),
    "live_transcript_source": Case(
        lambda client: client.get(f"{new_session(client)}/transcript/live").json()["active_source"],
        {"live": "LIVE", "user_uploaded": "USER_UPLOADED", "none": None},
    ),
    "live_transcript_backup": Case(sent_again, {"backup": "BACKUP", "live": "LIVE"}),
    "audio_rejected": Case(status("POST", f"/sessions/{SESSION}/upload-audio", files=TEXT_FILE), {400: 400, 415: 415}),
    "audio_not_stored": Case(lost_audio, {500: 500, 503: 503}),
    "already_linked": Case(linked_twice, {409: 409, 400: 400}),
    "no_linked_user": Case(status("GET", "/sessions/linked-user"), {400: 400, 404: 404, 403: 403}),
    "linked_account_required": Case(status("POST", "/patient-profiles", json={}), {False: 200, True: 400}),
    "empty_filter": Case(
        lambda client: len(client.get("/patient-profiles", params={"ehr_patient_id": ""}).json()["data"]),
        {"matches_empty": 0, "ignored": 13},
    ),
    "creation_status": Case(creations, {200: {200}, 201: {201}}),
    "next_page": Case(next_page, {"number": 2, "none": None}),
    "note_status": Case(note_status, {"completed": "COMPLETED", "created": "CREATED"}),
    "note_without_recording": Case(note_without_recording, {"allowed": [200, 200], "refused_400": [400, 200]}),
    "consult_note_template_list": Case(
        lambda client: [
            len({one["template_category"] for one in client.get(path).json()["templates"]})
            for path in ("/templates/consult-note-templates", "/templates/document-templates")
        ],
        {"for_notes": [1, 2], "all": [2, 2]},
    ),
    "note_request_fields": Case(
        shown_in_note, {"shown": [NOTE["template_id"], NOTE["voice_style"]], "hidden": [None, None]}
    ),
    "template_of_other_category": Case(
        crossed_templates, {"allowed": [200, 200], "refused_404": [404, 404], "refused_422": [422, 422]}
    ),
    "third_party_template_method": Case(
        asked_note(generation_method="THIRD_PARTY_TEMPLATE", template_id=None, third_party_template="{}"),
        {"accepted": 200, "refused": 422},
    ),
    "third_party_template_form": Case(
        asked_note(template_id=None, third_party_template="History, Plan"), {"not_checked": 200, "refused_422": 422}
    ),
    "content_type_default": Case(unsaid_forms, {"markdown": ["MARKDOWN", False, False], "html": ["HTML", True, True]}),
    "document_without_template": Case(
        templates_of_documents, {"none": [None, LETTER] * 2, "left_out": ["absent", LETTER] * 2}
    ),
    "custom_template_required": Case(
        custom_templates(TEMPLATE, {"template": "Smoking"}, question(description=None), question(childQuestions=[])),
        {"none": [200, 200, 200, 200], "not_optional": [200, 422, 422, 200]},
    ),
    "empty_custom_template": Case(
        custom_templates({}, {"template": "", "questions": []}, TEMPLATE),
        {"accepted": [200, 200, 200], "refused_422": [422, 422, 200]},
    ),
    "old_custom_template": Case(
        custom_templates({"content": "Smoking"}, {"responses": [QUESTION]}, {**TEMPLATE, "content": "Smoking"}),
        {"accepted": [200, 200, 200], "refused_422": [422, 422, 200]},
    ),
    "answer_types": Case(
        custom_templates(TEMPLATE, question(answerType="Number")), {"four_types": [200, 422], "any_text": [200, 200]}
    ),
    "ask_ai_required": Case(
        status("POST", f"/sessions/{SESSION}/ask-ai", json={"ai_command_text": "Summarise"}),
        {"all_three": 422, "instruction_only": 200},
    ),
    "clinical_codes_need_note": Case(codes_without_note, {True: 400, False: [None, [], "I have a cough."]}),
    "offset_unit": Case(code_places, {"code_points": [(2, 7), (0, 7)], "utf16": [(3, 8), (0, 8)]}),
    "offset_end": Case(code_places, {"after": [(2, 7), (0, 7)], "last": [(2, 6), (0, 6)]}),
    "stream_escapes": Case(
        lambda client: client.post(f"/sessions/{SESSION}/ask-ai", json={**ASK, "content": "é😀"}).content,
        {
            "escaped": b'data: {"data": "\\u00e9\\ud83d\\ude00"}\n\n',
            "utf_8": 'data: {"data": "é😀"}\n\n'.encode(),
        },
    ),
    "stream_framing": Case(
        stream,
        {
            "sse": ("text/event-stream; charset=utf-8", b"".join(b"data: %s\n\n" % piece for piece in PIECES)),
            "ndjson": ("application/x-ndjson", b"".join(piece + b"\n" for piece in PIECES)),
            "objects": ("text/event-stream; charset=utf-8", b"".join(PIECES)),
        },
    ),
    "extra_slashes": Case(
        lambda client: [client.get(path).status_code for path in ("//patient-profiles", "/patient-profiles/")],
        {"served": [200, 200], "redirect": [307, 307], "not_found": [404, 404]},
    ),
    "body_required": Case(status("PATCH", f"/sessions/{SESSION}"), {422: 422, 400: 400}),
    "malformed_multipart": Case(
        status(
            "POST",
            f"/sessions/{SESSION}/upload-audio",
            content=b"--x",
            headers={"Content-Type": "multipart/form-data; boundary=x"},
        ),
        {422: 422, 400: 400},
    ),
    "null_in_create": Case(refused_bodies, {"not_given": [200, 200], "refused_422": [422, 422]}),
    "null_in_update": Case(
        null_in_update,
        {
            "clears": ("", 0, [200, 200]),
            "ignored": ("Ada", 16, [200, 200]),
            "refused_422": ("Ada", 16, [422, 422]),
        },
    ),
    "empty_update": Case(status("PATCH", f"/sessions/{SESSION}", json={}), {200: 200, 400: 400, 422: 422}),
    "updated_at_changes": Case(linked_times, {"without_linking": False, "with_linking": True}),
    "malformed_id": Case(status("GET", "/sessions/abc"), {404: 404, 422: 422}),
    "empty_audio": Case(
        status("POST", f"/sessions/{SESSION}/upload-audio", files={"file": ("a.wav", b"", "audio/wav")}),
        {"refused_422": 422, "refused_400": 400, "accepted": 200},
    ),
    "unknown_heidi_user": Case(
        status("POST", "/users/linked-account", json={"kinde_user_id": "kp_xxx"}),
        {"accepted": 200, "refused_404": 404, "refused_422": 422},
    ),
    "linked_by_another": Case(other_user, {"refused": 409, "allowed": 200}),
    "unlink_without_link": Case(
        status("DELETE", "/users/linked-account:unlink"), {"success": 200, "refused_404": 404, "refused_400": 400}
    ),
    "unlinked_access_answer": Case(
        status("GET", "/users/linked-account/access"), {"not_linked": 200, "refused_400": 400, "refused_404": 404}
    ),
    "duplicate_ehr_patient_id": Case(two_profiles, {"allowed": 200, "refused_409": 409}),
    "unset_demographic_string": Case(unset_demographics, {"empty": [""] * 4, "none": [None] * 4}),
    "deleted_profile_sessions": Case(sessions_of_deleted, {"kept": 200, "deleted": 404}),
    "batch_delete_unknown": Case(delete_unknown, {"ignored": [200, 404], "refused": [404, 200]}),
    "link_unknown_session": Case(link_unknown, {"nothing": (404, ""), "known_ones": (200, "John Doe")}),
    "link_again": Case(link_again, {200: 200, 409: 409}),
    "link_moves": Case(link_moves, {"moved": (200, "Ada"), "refused_409": (409, "John Doe")}),
    "profile_list_order": Case(profile_order, {"creation": [True, False], "newest_first": [False, True]}),
    "create_session_unknown_profile": Case(
        status("POST", "/sessions", json={"patient_profile_id": NOBODY}), {"refused": 404, "ignored": 200}
    ),
    "session_name_after_note": Case(
        name_and_gist,
        {"unchanged": ("Session 31", "absent"), "problems": ("Raised eye pressure, glaucoma suspect", "absent")},
    ),
    "session_gist": Case(
        name_and_gist, {"absent": ("Session 31", "absent"), "present": ("Session 31", "Raised eye pressure")}
    ),
    "new_session_name": Case(
        lambda client: client.get(new_session(client)).json()["session"]["session_name"],
        {"session_n": "Session 31", "empty": ""},
    ),
    "new_session_duration": Case(
        lambda client: client.get(new_session(client)).json()["session"]["duration"], {"zero": 0, "none": None}
    ),
    "duration_after_audio": Case(durations, {"added": [16, 23], "replaced": [16, 7], "unchanged": [16, 16]}),
    "negative_duration": Case(
        status("PATCH", f"/sessions/{SESSION}", json={"duration": -1}), {"refused_422": 422, "stored": 200}
    ),
    "session_shows_profile": Case(shown_patient, {"profile": ("John Doe", "EHR123456"), "none": ("", None)}),
    "session_update_answer": Case(
        update_keys, {"without_audio": (14, False), "whole": (15, True), "changes_only": (3, False)}
    ),
    "linked_sessions_echo": Case(
        linked_echo, {"once_set": ["absent", ["1"]], "always": [None, ["1"]], "never": ["absent", "absent"]}
    ),
    "linked_sessions_exist": Case(
        status("PATCH", f"/sessions/{SESSION}", json={"linked_sessions_for_context": ["1"]}),
        {"not_required": 200, "required": 404},
    ),
    "session_patient_merge": Case(merged_patient, {"merged": "Ada", "replaced": ""}),
    "page_parameter": Case(first_page, {1: (2, 422), 0: (1, 200)}),
    "page_beyond_end": Case(lambda client: listed(client, page=9).status_code, {"empty": 200, "refused_404": 404}),
    "linked_user_sessions": Case(
        lambda client: listed(client).json()["total_count"], {"same_account": 2, "since_linked": 1, "whole_key": 33}
    ),
    "linked_sessions_order": Case(
        linked_sessions, {"newest_first": ["second", "first"], "oldest_first": ["first", "second"]}
    ),
    "session_audio_rows": Case(audio_rows, {"uploads": (0, [0]), "uploads_and_recordings": (1, [0, 1])}),
    "session_document_rows": Case(document_keys, {"listed": {"index"}, "created": {"content_type"}}),
}
# The tried values of assumptions for which any number may be chosen.
NUMBERS = {
    "token_lifetime": Case(
        lambda client: client.request("GET", "/jwt", signed=False, params=USER, headers=KEY).json()["expiration_time"],
        {3600: "2025-01-06T13:00:00.000Z", 60: "2025-01-06T12:01:00.000Z"},
    ),
    "body_limit": Case(
        lambda client: [
            client.post("/patient-profiles", json={"additional_context": "x" * size}).status_code
            for size in (100, 1_000, 1_500_000)
        ],
        {1048576: [200, 200, 413], 999: [200, 413, 413], 2_000_000: [200, 200, 200]},
    ),
    "page_size_default": Case(lambda client: listed(client).json()["count"], {20: 2, 1: 1}),
    "page_size_maximum": Case(
        lambda client: [listed(client, page_size=size).status_code for size in (5, 6, 201)],
        {200: [200, 200, 422], 5: [200, 422, 422], 300: [200, 200, 200]},
    ),
    "undetected_duration": Case(unread_audio, {30: [30, 30], 7: [7, 7]}),
}
CASES |= NUMBERS
OTHERS = [
    (name, value) for name, case in CASES.items() for value in case.expected if value != assumptions()[name].default
]
# Two values of different assumptions, the same pairs each time.
PAIRS = [
    pair
    for pair in (random.Random(at).sample(OTHERS, 2) for at in range(200))  # noqa: S311 - of a test
    if len(dict(pair)) == 2
]
EACH = [(name, value) for name, case in CASES.items() for value in case.expected]
