"""Every fact of the contract says where it comes from, and every guess in it is in the list of assumptions."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from judges import Contract, load_contract, nodes, operations, resolve

from mock_heidi.base.assumptions import assumptions

PROVENANCES = ("documented", "observed", "assumed")


@pytest.fixture
def contract() -> Contract:
    """A copy of the contract that a test may break."""
    return load_contract()


# --- The judge --------------------------------------------------------------------------------------------------------


def provenance_findings(contract: Contract) -> list[str]:
    """Facts without a source, and guesses that the list of assumptions does not know or takes for another status."""
    found = []
    known = assumptions()
    for path, node in nodes(contract):
        provenance, name = node.get("x-provenance"), node.get("x-assumption")
        if provenance not in (None, *PROVENANCES):
            found.append(f"{path}: x-provenance {provenance!r} is none of {', '.join(PROVENANCES)}")
        if (provenance == "assumed") != (name is not None):
            found.append(f"{path}: x-assumption belongs to what is assumed, and to nothing else")
        if name is not None and name not in known:
            found.append(f"{path}: no assumption is called {name!r}")
        described = node.get("description")
        mentioned = re.findall(r"assumptions? `(\w+)`", described) if isinstance(described, str) else []
        found += [f"{path}: mentions the assumption {word!r}, which is none" for word in mentioned if word not in known]
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


# --- What it says -----------------------------------------------------------------------------------------------------


def test_every_fact_of_the_contract_says_where_it_comes_from(contract: Contract) -> None:
    assert provenance_findings(contract) == []


# --- It bites ---------------------------------------------------------------------------------------------------------


def _schema(contract: Contract, name: str) -> dict[str, Any]:
    schema: dict[str, Any] = contract["components"]["schemas"][name]
    return schema


def _operation(contract: Contract, name: str) -> dict[str, Any]:
    return next(operation.spec for operation in operations(contract) if operation.name == name)


def _unknown_assumption(contract: Contract) -> None:
    contract["components"]["parameters"]["SessionId"]["x-assumption"] = "no_such"


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


def _unknown_mention(contract: Contract) -> None:
    _operation(contract, "update_session")["description"] += " See assumption `imagined`."


UNSOURCED = {
    "an unknown assumption": (_unknown_assumption, "no assumption is called 'no_such'"),
    "an assumption without a name": (_unnamed_assumption, "x-assumption belongs to what is assumed"),
    "an unknown provenance": (_unknown_word, "x-provenance 'guessed' is none of"),
    "a response without provenance": (_unsourced_response, "get_jwt 200: x-provenance is None"),
    "a documented status": (_documented_status, "get_jwt 200: x-provenance is 'documented'"),
    "an operation without provenance": (_unsourced_operation, "link_sessions: no x-provenance"),
    "an operation without a page": (_no_page, "link_sessions: no page of the vendor's"),
    "another status than assumed": (_other_status, "400: the assumption profile_not_found says 404"),
    "an assumption only mentioned": (_unknown_mention, "'imagined', which is none"),
}


@pytest.mark.parametrize(("spoil", "words"), UNSOURCED.values(), ids=UNSOURCED)
def test_the_judge_of_provenance_bites(contract: Contract, spoil: Callable[[Contract], None], words: str) -> None:
    spoil(contract)

    found = provenance_findings(contract)

    assert len(found) == 1, found
    assert words in found[0]
