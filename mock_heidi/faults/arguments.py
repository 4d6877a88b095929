"""The arguments of ``heidi.fault(…)`` with their types: made by ``python tests/support/generate.py``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict


class FaultArguments(TypedDict, total=False):
    """The fields of a rule, except its operation. The fault reference in the docs says what each does."""

    id: str
    label: str
    enabled: bool
    method: str
    path: str
    session_id: str
    header: str | Mapping[str, Any]
    match: Mapping[str, Any]
    nth: int | Sequence[int]
    times: int
    after: int
    every: int
    probability: float
    ttl: float
    error: str
    status: int
    detail: Any
    retry_after: float | str
    quota: str | Mapping[str, Any]
    expire_token: bool
    revoke_token: bool
    close: bool
    rst: bool
    stall: bool
    carried_out: bool
    delay: float | str | Mapping[str, Any]
    slow_first_byte: float | str | Mapping[str, Any]
    delay_body: float | str | Mapping[str, Any]
    delay_chunks: float | str | Mapping[str, Any]
    cut_at: int
    rst_at: int
    stall_at: int
    not_json: bool | str
    media_type: str
    empty: bool
    drop_key: str | Sequence[str]
    rename_key: str | Mapping[str, Any]
    null_key: str | Sequence[str]
    wrong_type: str | Sequence[str]
    duplicate_key: str | Sequence[str]
    add_key: str | Sequence[str]
    end_after: int
    end_inside: str
    rst_after: int
    stall_after: int
    empty_piece: int
    lose: int
    swap: int
    repeat: int
    one_write: bool
    byte_by_byte: bool
    no_space: bool
    comments: bool
    crlf: bool
    error_piece: int
    empty_note: bool
    wrong_patient: bool
    swap_sides: bool
    wrong_dose: bool
    missing_section: bool
    wrong_language: bool
    html_note: bool
    script_tag: bool
    long_note: bool
    wrong_offsets: bool
