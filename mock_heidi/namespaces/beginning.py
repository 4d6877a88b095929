"""The part of a namespace's start that comes from the fixtures of the server."""

from __future__ import annotations

from typing import NamedTuple

from mock_heidi.base.assumptions import DEFAULTS, Assumptions
from mock_heidi.base.settings import FixtureChoice, Settings
from mock_heidi.fixtures import loader as fixture_loader
from mock_heidi.fixtures.assumption_file import chosen_assumptions
from mock_heidi.state.store import Base


class Beginning(NamedTuple):
    """The records and the assumptions with which namespaces start."""

    base: Base
    assumed: Assumptions


def read_beginning(fixtures: FixtureChoice, settings: Settings) -> Beginning:
    """The beginning that these fixtures give to a server with these settings. Raises :class:`ConfigError`."""
    base = fixture_loader.load(fixtures, settings.api_key, assume=settings.assume)
    return Beginning(base, DEFAULTS.choose({**chosen_assumptions(fixtures), **settings.assume}))
