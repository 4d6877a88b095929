"""The JSON files that a wheel carries, so that a start reads no YAML."""

from __future__ import annotations

from mock_heidi import assumptions, built, built_fixtures
from mock_heidi.fixture_kinds import RECORD_KINDS
from mock_heidi.fixture_loader import load
from mock_heidi.fixture_schema import schemas


def files() -> dict[str, bytes]:
    """The packaged records, the assumptions and the schemas of fixtures, by the name of their file."""
    return {
        **built_fixtures.texts(RECORD_KINDS, load(whole=True).records),
        "assumptions": assumptions.built_text(),
        "schemas": built.text(schemas(), built.code()),
    }
