"""Templates: two documented endpoints with different lists.

``GET /templates/consult-note-templates`` → ``{"templates": […]}``, each of them a :data:`shapes.TEMPLATE`, notes only;
``GET /templates/document-templates`` → both categories.
"""

from typing import Any

import pytest
import shapes
from clients import Client
from helpers import KEY_TWO, another, answered, settled, wire

NOTES, ALL = "/templates/consult-note-templates", "/templates/document-templates"
NAMES = [
    ("659b8042fe093d6592b41ef7", "H & P", "CONSULT_NOTE_TEMPLATE"),
    ("65a7259cd1804be2f7c35a90", "H & P (issues)", "CONSULT_NOTE_TEMPLATE"),
    ("65a1d3b0c20e97a4b6d81f35", "SOAP", "CONSULT_NOTE_TEMPLATE"),
    ("65e6c0f8a94b1d7730c2e58b", "Progress note", "CONSULT_NOTE_TEMPLATE"),
    ("66168ad2570f3ce9ab41d264", "Mental-state examination", "CONSULT_NOTE_TEMPLATE"),
    ("66455a5f0b0a1c8d018c6896", "Referral letter", "DOCUMENT_TEMPLATE"),
    ("66823c1e4d95b07fe8a163c2", "Patient explainer", "DOCUMENT_TEMPLATE"),
    ("66f0a57b93ce1840d72b5fa6", "Discharge summary", "DOCUMENT_TEMPLATE"),
]
OWN: list[dict[str, Any]] = [
    {"id": "a" * 24, "name": "Ours", "template_category": "DOCUMENT_TEMPLATE", "structure_template": "One:\n[two]"},
    {
        "id": "b" * 24,
        "name": "Theirs",
        "template_category": "CONSULT_NOTE_TEMPLATE",
        "structure_template": "",
        "template_html": "<p>ä</p>",
        "author_name": "Somebody",
    },
]


def rows(client: Client, path: str) -> list[tuple[str, str, str]]:
    templates = client.get(path).json()["templates"]
    return [(row["id"], row["name"], row["template_category"]) for row in templates]


def test_the_older_endpoint_lists_note_templates_and_the_newer_one_all(heidi: Client) -> None:
    assert rows(heidi, ALL) == NAMES
    assert rows(heidi, NOTES) == [row for row in NAMES if row[2] == "CONSULT_NOTE_TEMPLATE"]


@pytest.mark.parametrize("path", [NOTES, ALL])
def test_every_template_has_the_documented_keys_in_order(heidi: Client, path: str) -> None:
    answer = heidi.get(path)

    templates = answer.json()["templates"]
    assert answered(answer) == (200, wire({"templates": templates}))
    assert [list(row) for row in templates] == [shapes.TEMPLATE.keys()] * len(templates)
    assert all(isinstance(row["structure_template"], str) and row["structure_template"] for row in templates)
    assert {row["author_name"] for row in templates} == {"Heidi"}


def test_the_packaged_templates_include_some_with_html_and_some_without(heidi: Client) -> None:
    kinds = {type(row["template_html"]) for row in heidi.get(ALL).json()["templates"]}

    assert kinds == {str, type(None)}


def test_every_key_and_user_gets_the_same_templates(heidi: Client) -> None:
    mine = heidi.get(ALL).text

    heidi.sign_in(key=KEY_TWO, email="colleague@example.org", third="other")

    assert heidi.get(ALL).text == mine


def test_templates_of_the_user_replace_the_packaged_ones() -> None:
    with another(fixtures={"templates": OWN}) as heidi:
        everything, notes = heidi.get(ALL), heidi.get(NOTES)

    ours = shapes.TEMPLATE.unset(**OWN[0], author_name="Heidi")
    theirs = shapes.TEMPLATE.unset(**OWN[1])
    assert answered(everything) == (200, wire({"templates": [ours, theirs]}))
    assert answered(notes) == (200, wire({"templates": [theirs]}))


def test_the_lists_are_empty_without_templates() -> None:
    with another(fixtures={"templates": []}) as heidi:
        answers = [answered(heidi.get(path)) for path in (NOTES, ALL)]

    assert answers == [(200, wire({"templates": []}))] * 2


@pytest.mark.parametrize("path", [NOTES, ALL])
def test_listing_ignores_unknown_parameters_and_changes_nothing(heidi: Client, path: str) -> None:
    before, plain = settled(heidi), heidi.get(path).text

    answer = heidi.get(f"{path}?page=2&page_size=1&category=x")

    assert answered(answer) == (200, plain)
    assert heidi.state() == before


def test_a_single_template_cannot_be_read(heidi: Client) -> None:
    answer = heidi.get(f"/templates/{NAMES[0][0]}")

    assert answered(answer) == (404, '{"detail":"Not Found"}')
