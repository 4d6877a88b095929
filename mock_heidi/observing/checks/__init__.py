"""The checks of the client, one module for each subject: requests, sign-in, pace and sessions.

A check reads one request after the other and remembers a bounded part of them. It changes only the findings.
"""

from __future__ import annotations

from mock_heidi.observing.checks.check import Check, Keys, Line
from mock_heidi.observing.checks.pace import EarlyRetry, FastPolling
from mock_heidi.observing.checks.requests import Refusals, UndocumentedParts, UnknownPaths
from mock_heidi.observing.checks.sessions import EarlyEnds, Recordings, SessionIds
from mock_heidi.observing.checks.sign_in import Credentials, Tokens


def all_checks(keys: Keys, line: Line) -> list[Check]:
    """New checks. ``keys`` returns the API keys, ``line`` the method and path of a request without secrets."""
    return [
        UnknownPaths(line),
        Refusals(),
        UndocumentedParts(),
        SessionIds(),
        Tokens(),
        Credentials(keys),
        EarlyRetry(),
        FastPolling(),
        Recordings(),
        EarlyEnds(),
    ]
