"""The shared parts of the tests of the views of patients and sessions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mock_heidi import Handle

if TYPE_CHECKING:
    from playwright.sync_api import Page

SESSION = "307938912914151495305272839155616485639"
"""A session with audio, a generated note, documents and a patient."""


HOSTILE = '\u202e<img src=x onerror="alert(1)">\u200b' + "x" * 3_000


def open_view(page: Page, server: Handle, path: str) -> None:
    page.goto(f"{server.url}/_mock/#/{path}")


def rows(page: Page) -> Any:
    """The drawn rows of a list."""
    return page.get_by_role("listbox").get_by_role("option")
