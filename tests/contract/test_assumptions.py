"""Every fact of the contract names its source, and the contract marks exactly the assumptions of the list."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import pytest
from judges import Contract, Operation, load_contract, nodes, operations, resolve

from mock_heidi.base.assumptions import Assumption, assumptions
from mock_heidi.base.operations import OPERATIONS

PROVENANCES = ("documented", "observed", "assumed")


@pytest.fixture
def contract() -> Contract:
    """A copy of the contract that a test may break."""
    return load_contract()


# --- The judges -------------------------------------------------------------------------------------------------------


def provenance_findings(contract: Contract) -> list[str]:
    """The facts without a source, and the statuses that differ from their assumption."""
    found = []
    for path, node in nodes(contract):
        provenance, name = node.get("x-provenance"), node.get("x-assumption")
        if provenance not in (None, *PROVENANCES):
            found.append(f"{path}: x-provenance {provenance!r} is none of {', '.join(PROVENANCES)}")
        if (provenance == "assumed") != (name is not None):
            found.append(f"{path}: x-assumption belongs to what is assumed, and to nothing else")
    for operation in operations(contract):
        if "x-provenance" not in operation.spec:
            found.append(f"{operation.name}: no x-provenance")
        if "url" not in operation.spec.get("externalDocs", {}):
            found.append(f"{operation.name}: no page of the vendor's")
        for status, response in operation.spec["responses"].items():
            place = f"{operation.name} {status}"
            found += [f"{place}: {text}" for text in _status_findings(status, resolve(contract, response))]
    return found


def _status_findings(status: str, response: dict[str, Any]) -> Iterator[str]:
    provenance = response.get("x-provenance")
    if provenance not in ("observed", "assumed"):
        yield f"x-provenance is {provenance!r}; a status was observed or is assumed, no page of the vendor's names one"
    assumption = assumptions().get(response.get("x-assumption", ""))
    # Some assumptions behind a status are about something else, such as a size in bytes.
    default = None if assumption is None else assumption.default
    if isinstance(default, int) and 100 <= default < 600 and status != str(default):
        yield f"the assumption {response['x-assumption']} says {default}"


def assumption_findings(contract: Contract, listed: Mapping[str, Assumption]) -> list[str]:
    """Assumptions that are only in the contract or only in the list, and those with different operations."""
    marked, described = marked_operations(contract), _by_operation(contract, _described)
    return [
        *(f"{name}: nowhere in the contract" for name in sorted(listed.keys() - marked.keys())),
        *(f"{name}: in the contract, not in the list" for name in sorted(marked.keys() - listed.keys())),
        *(
            f"{name}: touches {sorted(marked[name])}, in the list {sorted(listed[name].operations)}"
            for name in sorted(marked.keys() & listed.keys())
            if marked[name] != set(listed[name].operations)
        ),
        *(
            f"{name}: described and not marked at {sorted(names - marked.get(name, set()))}"
            for name, names in sorted(described.items())
            if names - marked.get(name, set())
        ),
    ]


def marked_operations(contract: Contract) -> dict[str, set[str]]:
    """The operations for which the contract marks each assumption. A mark at the top counts for all operations."""
    every = {operation.name for operation in operations(contract)}
    return _by_operation(contract, _marked) | dict.fromkeys(contract["x-assumptions"], every)


def _by_operation(contract: Contract, names_in: Callable[[dict[str, Any]], Iterable[str]]) -> dict[str, set[str]]:
    """The operations for each name that a function finds in their objects."""
    found: dict[str, set[str]] = {}
    for operation in operations(contract):
        for part in _parts(contract, operation):
            for name in names_in(part):
                found.setdefault(name, set()).add(operation.name)
    return found


def _marked(part: dict[str, Any]) -> list[str]:
    return [*([part["x-assumption"]] if "x-assumption" in part else []), *part.get("x-assumptions", [])]


def _described(part: dict[str, Any]) -> list[str]:
    text = part.get("description")
    return re.findall(r"assumption\s+`(\w+)`", text) if isinstance(text, str) else []


def _parts(contract: Contract, operation: Operation) -> Iterator[dict[str, Any]]:
    """Every object of an operation, including objects that it refers to."""
    reached, pending = set[str](), [operation.spec, *contract["paths"][operation.path].get("parameters", [])]
    while pending:
        for _, node in nodes(pending.pop()):
            yield node
            target = node.get("$ref")
            if target is not None and target not in reached:
                reached.add(target)
                pending.append(resolve(contract, {"$ref": target}))


def list_findings(listed: Iterable[Assumption]) -> list[str]:
    """The entries of the list that lack an explanation."""
    found = []
    for row in listed:
        sentences = [row.decides, row.why, *row.sources]
        found += [f"{row.name}: no sentence: {text!r}" for text in sentences if not text.endswith(".")]
        values = [row.default, *row.alternatives]
        if len(set(map(repr, values))) < len(values):
            found.append(f"{row.name}: a value stands there twice")
        found += [f"{row.name}: no operation is called {name!r}" for name in row.operations if name not in OPERATIONS]
        if len(set(row.operations)) < len(row.operations):
            found.append(f"{row.name}: an operation stands there twice")
        if bool(row.alternatives) != ((row.advice or "").count("; ") == 1):
            found.append(f"{row.name}: the advice has two parts if there are alternatives: {row.advice!r}")
    return found


# --- The contract passes ----------------------------------------------------------------------------------------------


def test_every_fact_of_the_contract_names_its_source(contract: Contract) -> None:
    assert provenance_findings(contract) == []


# The sources, written here independently of the contract.
ASSUMED_SUCCESS = {
    "link_account", "unlink_account", "create_patient_profile", "update_patient_profile", "delete_patient_profiles",
    "link_sessions", "list_patient_profiles", "get_patient_profile", "upload_audio", "upload_context_documents",
    "list_context_documents", "delete_context_documents", "get_live_transcript",
}  # fmt: skip
OPERATIONS_WITHOUT_A_PAGE = {
    "list_document_templates": "observed",
    "list_context_documents": "assumed",
    "delete_context_documents": "assumed",
}
DOCUMENTED_KEYS = {
    "SessionDetail": ("audio", "documents", "ehr_provider", "language_code", "duration", "session_name", "updated_at"),
    "SessionUpdated": ("documents", "ehr_provider", "language_code", "duration", "session_name", "updated_at"),
    "SessionPatientUpdate": ("gender",),
    "PatientProfileCreate": ("gender", "ehr_patient_id"),
    "SessionPage": ("sessions", "next_page"),
    "LinkedAccount": ("ehr_provider",),
    "AccountAccess": ("account", "heidi_email", "linked_account_plan"),
    "UploadedAudio": ("status", "access_url", "expiry"),
}


def test_a_success_status_is_observed_or_assumed(contract: Contract) -> None:
    successes = {operation.name: operation.spec["responses"]["200"] for operation in operations(contract)}

    assumed = {name for name, success in successes.items() if success["x-provenance"] == "assumed"}

    assert assumed == ASSUMED_SUCCESS
    assert {successes[name]["x-assumption"] for name in assumed} == {"success_status"}


def test_an_operation_without_a_vendor_page_is_not_marked_documented(contract: Contract) -> None:
    marks = {operation.name: operation.spec["x-provenance"] for operation in operations(contract)}

    assert {name: mark for name, mark in marks.items() if mark != "documented"} == OPERATIONS_WITHOUT_A_PAGE


@pytest.mark.parametrize(("name", "keys"), DOCUMENTED_KEYS.items(), ids=DOCUMENTED_KEYS)
def test_a_documented_key_with_an_assumed_value_is_marked_documented(
    contract: Contract, name: str, keys: tuple[str, ...]
) -> None:
    properties = _schema(contract, name)["properties"]

    assert {key: properties[key]["x-provenance"] for key in keys} == dict.fromkeys(keys, "documented")
    assert all(properties[key]["x-assumptions"] for key in keys)


def test_required_fields_of_ask_ai_and_types_of_answers_are_marked_assumed(contract: Contract) -> None:
    command, answer_type = (
        _schema(contract, "AiCommand"),
        _schema(contract, "CustomQuestion")["properties"]["answerType"],
    )

    assert command["x-assumption"] == "ask_ai_required"
    assert answer_type["x-assumption"] == "answer_types"


def test_the_contract_and_the_list_name_the_same_assumptions_for_each_operation(contract: Contract) -> None:
    assert assumption_findings(contract, assumptions()) == []


def test_every_assumption_explains_itself() -> None:
    assert list_findings(assumptions().values()) == []


# --- The judges report what is broken ---------------------------------------------------------------------------------


def _schema(contract: Contract, name: str) -> dict[str, Any]:
    schema: dict[str, Any] = contract["components"]["schemas"][name]
    return schema


def _operation(contract: Contract, name: str) -> dict[str, Any]:
    return next(operation.spec for operation in operations(contract) if operation.name == name)


def _unnamed_assumption(contract: Contract) -> None:
    del _schema(contract, "SessionUpdated")["x-assumption"]


def _unknown_word(contract: Contract) -> None:
    _schema(contract, "Token")["x-provenance"] = "guessed"


def _unsourced_response(contract: Contract) -> None:
    del _operation(contract, "get_jwt")["responses"]["200"]["x-provenance"]


def _documented_status(contract: Contract) -> None:
    _operation(contract, "get_jwt")["responses"]["200"]["x-provenance"] = "documented"


def _unsourced_operation(contract: Contract) -> None:
    del _operation(contract, "link_sessions")["x-provenance"]


def _no_page(contract: Contract) -> None:
    del _operation(contract, "link_sessions")["externalDocs"]


def _other_status(contract: Contract) -> None:
    responses = _operation(contract, "get_patient_profile")["responses"]
    responses["400"] = responses.pop("404")


UNSOURCED = {
    "an assumption without a name": (_unnamed_assumption, "x-assumption belongs to what is assumed"),
    "an unknown provenance": (_unknown_word, "x-provenance 'guessed' is none of"),
    "a response without provenance": (_unsourced_response, "get_jwt 200: x-provenance is None"),
    "a documented status": (_documented_status, "get_jwt 200: x-provenance is 'documented'"),
    "an operation without provenance": (_unsourced_operation, "link_sessions: no x-provenance"),
    "an operation without a page": (_no_page, "link_sessions: no page of the vendor's"),
    "another status than assumed": (_other_status, "400: the assumption profile_not_found says 404"),
}


@pytest.mark.parametrize(("spoil", "words"), UNSOURCED.values(), ids=UNSOURCED)
def test_the_judge_of_provenance_reports_a_broken_contract(
    contract: Contract, spoil: Callable[[Contract], None], words: str
) -> None:
    spoil(contract)

    found = provenance_findings(contract)

    assert len(found) == 1, found
    assert words in found[0]


def _unknown_assumption(contract: Contract) -> None:
    contract["components"]["parameters"]["PatientProfileId"]["x-assumptions"].append("no_such")


def _unmarked_behaviour(contract: Contract) -> None:
    _operation(contract, "finish_recording")["x-assumptions"].remove("finish_twice")


def _unmarked_part(contract: Contract) -> None:
    del contract["components"]["parameters"]["Page"]["x-assumption"]


def _other_operation(contract: Contract) -> None:
    _operation(contract, "get_transcript")["x-assumptions"] = ["segment_repeat"]


def _described_only(contract: Contract) -> None:
    _operation(contract, "get_session")["description"] += " See assumption `check_order`, assumption `finish_twice`."


DIFFERENT = {
    "an unknown assumption": (_unknown_assumption, ["no_such: in the contract, not in the list"]),
    "a behaviour without a mark": (
        _unmarked_behaviour,
        ["finish_twice: nowhere in the contract", "finish_twice: described and not marked at ['finish_recording']"],
    ),
    "a part without a mark": (_unmarked_part, ["page_parameter: nowhere in the contract"]),
    "a mark at another operation": (_other_operation, ["segment_repeat: touches ['get_transcript', 'transcribe_"]),
    "a description without a mark": (_described_only, ["finish_twice: described and not marked at ['get_session']"]),
}


@pytest.mark.parametrize(("spoil", "begins"), DIFFERENT.values(), ids=DIFFERENT)
def test_the_judge_of_assumptions_reports_a_broken_contract(
    contract: Contract, spoil: Callable[[Contract], None], begins: list[str]
) -> None:
    spoil(contract)

    found = assumption_findings(contract, assumptions())

    assert len(found) == len(begins), found
    assert all(text.startswith(begin) for text, begin in zip(found, begins, strict=True)), found


def test_the_judge_of_assumptions_reports_a_name_missing_in_the_contract(contract: Contract) -> None:
    extra = assumptions()["next_page"]._replace(name="imagined")

    assert assumption_findings(contract, {**assumptions(), "imagined": extra}) == ["imagined: nowhere in the contract"]


UNEXPLAINED: dict[str, tuple[dict[str, Any], str]] = {
    "no reason": ({"why": ""}, "next_page: no sentence: ''"),
    "half a source": ({"sources": ("seen",)}, "next_page: no sentence: 'seen'"),
    "the default as an alternative": ({"alternatives": ("number",)}, "next_page: a value stands there twice"),
    "an unknown operation": ({"operations": ("get_sesion",)}, "next_page: no operation is called 'get_sesion'"),
    "no advice": ({"advice": None}, "next_page: the advice has two parts if there are alternatives: None"),
    "an operation twice": ({"operations": ("get_jwt", "get_jwt")}, "next_page: an operation stands there twice"),
}


@pytest.mark.parametrize(("changes", "words"), UNEXPLAINED.values(), ids=UNEXPLAINED)
def test_the_judge_of_the_list_reports_an_incomplete_entry(changes: dict[str, Any], words: str) -> None:
    assert list_findings([assumptions()["next_page"]._replace(**changes)]) == [words]
