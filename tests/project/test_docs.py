"""The README and the pages of ``docs`` are complete and up to date, and their links work."""

import ast
import json
import re
from pathlib import Path

import doc_reference
import doc_tables
import generate
import pytest
import yaml
from pages import DOCS, EVERYTHING, PAGES, README, Page, page
from paths import ROOT

from mock_heidi import Handle, MockHeidi
from mock_heidi.base.operations import CODERS, STREAMS, WRITERS
from mock_heidi.base.settings import Settings
from mock_heidi.client.proxies import ClockProxy, FaultsProxy, StateProxy
from mock_heidi.control import routes as control_routes
from mock_heidi.faults.rule import EFFECTS, Fault, parse
from mock_heidi.observing import filters
from mock_heidi.pytest_options import CHECKS, MARKED, OPTIONS, VARIANTS

_ELSEWHERE = [ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md", *sorted((ROOT / "examples").rglob("*.md"))]
LINKING = [*PAGES, *map(Page, _ELSEWHERE)]
BY_HAND = "\n".join(one.text for one in PAGES if one.path != generate.REFERENCE)


def words(names: str) -> set[str]:
    """The texts in backquotes."""
    return set(re.findall(r"`([^`]+)`", names))


# --- Generated files --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("path", "text"), list(generate.files()), ids=[path.name for path, _ in generate.files()])
def test_generated_files_are_not_stale(path: Path, text: str) -> None:
    assert path.read_text(encoding="utf-8") == text, "run python tests/support/generate.py"


def test_every_generated_table_is_shown_once() -> None:
    shown = re.findall(r"^<!-- generated: ([\w-]+) -->$", EVERYTHING, re.MULTILINE)

    assert sorted(shown) == sorted(doc_tables.TABLES)
    assert EVERYTHING.count("<!-- end -->") == len(shown)


def test_the_reference_has_every_member_of_a_handle_and_every_fixture() -> None:
    shown = page("reference").anchors

    for kind in (Handle, StateProxy, ClockProxy, FaultsProxy):
        functions = [name for name, value in vars(kind).items() if callable(value) or isinstance(value, property)]
        public = {f"{kind.__name__}{name}".lower() for name in functions if not name.startswith("_")}
        assert public - {"handleaudio"} <= shown
    assert doc_reference.fixtures() == ["mock_heidi_server", "mock_heidi_factory", "mock_heidi"]
    assert {"mockheidi", "create_app", "audio", *doc_reference.fixtures()} <= shown


def test_every_entry_of_the_reference_is_explained() -> None:
    entries = re.split(r"^#{3,4} ", page("reference").text, flags=re.MULTILINE)[1:]
    lines = {entry.partition("\n")[0]: entry.split("\n\n")[1:] for entry in entries}

    assert [name for name, parts in lines.items() if all(re.fullmatch(r"\s*|`.*`\s*", part) for part in parts)] == []


def test_a_docstring_of_the_reference_is_markdown() -> None:
    assert doc_reference.to_markdown("See :meth:`~mock_heidi.app` and ``x``.\n\n    >>> a\n") == (
        "\nSee `mock_heidi.app` and `x`.\n\n    >>> a\n"
    )
    assert not re.search(r"``|:\w+:`", page("reference").text)


# --- Hand-written tables ----------------------------------------------------------------------------------------------


def test_the_readme_has_two_hundred_lines_at_most() -> None:
    assert README.text.count("\n") <= 200


def test_every_page_is_in_the_readme_and_in_the_index() -> None:
    index = page("index")
    names = {one.path.stem for one in DOCS} - {"index"}
    (tree,) = [block.text for block in index.blocks if block.kind == "{toctree}"]

    assert names == {link.removeprefix("docs/").partition(".")[0] for link in README.links if link.startswith("docs/")}
    assert names == {link.partition(".")[0] for link in index.links}
    assert names == set(tree.split()) - {":hidden:"}


def test_the_table_has_every_endpoint_of_the_control_api() -> None:
    rows = page("control-api").rows("| Method | Path | What it does |")
    endpoints = sorted((row[0], row[1].strip("`")) for row in rows)

    assert endpoints == sorted(
        (method, f"/_mock{route.path}")
        for route in control_routes.ROUTES
        for method in (route.methods or set()) - {"HEAD"}
    )


def test_the_table_has_every_option_of_the_marker() -> None:
    rows = page("pytest").rows("| Marker | Configuration | Meaning |")

    shown = [[cell.strip("`") for cell in row[:2]] for row in rows]
    assert shown == [*([name, f"mock_heidi_{name}"] for name in OPTIONS), *([name, ""] for name in MARKED)]


@pytest.mark.parametrize("name", [*(f"--mock-heidi-{name}" for name in CHECKS), "--mock-heidi-url"])
def test_every_other_option_of_the_plugin_is_named(name: str) -> None:
    assert f"`{name}=" in page("pytest").text


def test_the_table_has_every_option_of_the_variant_runs() -> None:
    rows = page("variants").rows("| Option | What it does |")

    assert [row[0].strip("`").partition("=")[0] for row in rows] == [f"--mock-heidi-{name}" for name in VARIANTS]


@pytest.mark.parametrize("name", ["mock_heidi", "mock_heidi_server", "mock_heidi_factory"])
def test_every_fixture_of_the_plugin_is_named(name: str) -> None:
    assert f"`{name}`" in page("pytest").text


@pytest.mark.parametrize(
    "name",
    sorted(
        {
            name
            for kind in (Handle, MockHeidi, StateProxy, ClockProxy, FaultsProxy)
            for name in vars(kind)
            if not name.startswith("_")
        }
    ),
)
def test_every_name_of_a_handle_is_shown(name: str) -> None:
    # The pages show the with statement instead of the first ones, and options of token() instead of the last.
    if name not in ("start", "listen", "close", "closed", "state", "email", "third_party_internal_id"):
        assert re.search(rf"`(state\.|clock\.)?{name}[`(]|\.{name}\(", BY_HAND)


def test_the_documented_limits_of_the_journal_are_true() -> None:
    settings = Settings()

    assert f"{settings.journal_entries:,} requests in each namespace" in page("requests").text
    assert f"{settings.memory // 1024**2} MB in all (`--memory`" in page("requests").text


# --- Faults -----------------------------------------------------------------------------------------------------------

FIELDS = page("fault-reference").rows("| Field | For example | What it does |")


def test_every_field_of_a_fault_is_in_one_table() -> None:
    assert sorted(row[0].strip("`") for row in FIELDS) == sorted(Fault.model_fields)


@pytest.mark.parametrize("row", FIELDS, ids=lambda row: row[0].strip("`"))
def test_the_example_of_a_field_can_be_copied(row: list[str]) -> None:
    name, example = (cell.strip("`") for cell in row[:2])
    # Some need another field, and a rule that only selects requests needs an effect.
    wanted = [name, *{"method": ["path"], "detail": ["status"], "carried_out": ["close"]}.get(name, [])]
    said = [example, *(row[1].strip("`") for row in FIELDS if row[0].strip("`") in wanted[1:])]
    if parse(",".join([*said, "delay=0"])).given(EFFECTS) == ["delay"] and name != "delay":
        wanted, said = [*wanted, "delay"], [*said, "delay=0"]

    fault = parse(",".join(said))

    assert {field for field, value in fault if value is not None} == set(wanted)
    assert len(row[2]) > 10


def test_the_ways_to_write_a_rule_mean_the_same() -> None:
    rows = [row[1].strip("`") for row in page("faults").rows("| Where | The rule |")]
    call = ast.parse(rows[3], mode="eval").body
    assert isinstance(call, ast.Call)
    said = {name.arg or "": ast.literal_eval(name.value) for name in call.keywords}
    rules = [
        json.loads(rows[0]),
        rows[1],
        yaml.safe_load(rows[2]),
        {"operation": ast.literal_eval(call.args[0]), **said},
    ]

    assert len(rows) == 4
    assert len({json.dumps(parse(rule).model_dump()) for rule in rules}) == 1


@pytest.mark.parametrize(
    ("section", "named"),
    [
        ("Whole bodies", ["media_type"]),
        ("Streams", STREAMS),
        ("The text that Heidi writes", [*WRITERS, *CODERS, "wrong_offsets"]),
    ],
)
def test_a_section_of_effects_names_the_operations_that_they_are_for(section: str, named: list[str]) -> None:
    introduction, _, _ = page("fault-reference").section(section).partition("<!--")

    assert words(introduction) == set(named)


# --- Filters ----------------------------------------------------------------------------------------------------------

FILTERS = page("requests").rows("| Filter | For example | Which requests |")


def test_the_table_has_every_filter() -> None:
    assert [row[0].strip("`") for row in FILTERS] == list(filters.NAMES)


@pytest.mark.parametrize("row", FILTERS, ids=lambda row: row[0].strip("`"))
def test_the_examples_of_a_filter_can_be_copied(row: list[str]) -> None:
    examples = words(row[1])

    assert examples
    assert all(filters.parse({row[0].strip("`"): example}) for example in examples)


# --- Links and words --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("linking", LINKING, ids=lambda one: one.name)
def test_links_lead_somewhere(linking: Page) -> None:
    for link in linking.links:
        name, _, anchor = link.partition("#")
        if name.startswith(("http:", "https:")):
            continue
        target = (linking.path.parent / name).resolve() if name else linking.path
        # On the site, a link to a folder does not work.
        assert target.is_file(), f"{linking.name}: {link}"
        if anchor:
            assert anchor in Page(target).anchors, f"{linking.name}: {link}"


@pytest.mark.parametrize("written", PAGES, ids=lambda one: one.name)
def test_no_word_of_marketing(written: Page) -> None:
    marketing = r"(?i)\b(powerful|seamless|blazing|simply|just|easy|easily|modern|robust|production-ready|awesome)\b"

    assert re.findall(marketing, written.text) == []
