"""The types of context documents that the API takes, by each way to tell a type."""

from __future__ import annotations

ENDINGS = (".pdf", ".jpg", ".png", ".docx", ".doc")
"""The endings of their file names."""
MEDIA_TYPES = (
    "application/pdf",
    "image/jpeg",
    "image/png",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/msword",
)
"""Their content types."""
FIRST_BYTES = (b"%PDF", b"\xff\xd8\xff", b"\x89PNG", b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
"""The first bytes of their files."""
