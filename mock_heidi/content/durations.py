"""Reads the duration of a recording from its container."""

from __future__ import annotations

import struct
from typing import BinaryIO

# The EBML ids of the webm elements with times (Matroska specification, RFC 9559).
_SEGMENT, _INFO, _SCALE, _DURATION = 0x18538067, 0x1549A966, 0x2AD7B1, 0x4489
_CLUSTER, _TIMESTAMP, _BLOCK_GROUP, _BLOCK, _SIMPLE_BLOCK = 0x1F43B675, 0xE7, 0xA0, 0xA1, 0xA3
_PARENTS = (_SEGMENT, _INFO, _CLUSTER, _BLOCK_GROUP)
_EBML_MAGIC = b"\x1a\x45\xdf\xa3"
# A browser writes webm while it records, so it writes all ones in place of the unknown sizes.
_UNKNOWN_SIZE = -1
_DEFAULT_SCALE = 1_000_000
# A header that claims more than a day is broken.
_LONGEST = 86_400

# The first two bytes of a frame of bare AAC, in MPEG-4 or MPEG-2, with or without a checksum.
_ADTS = (b"\xf0", b"\xf1", b"\xf8", b"\xf9")
_AAC_RATES = (
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000, 7_350, 0, 0, 0
)  # fmt: skip


def duration(file: BinaryIO) -> float | None:
    """Seconds of mp3, ogg, wav, m4a, aac, flac or webm audio; None for another or a broken file."""
    file.seek(0)
    head = file.read(4)
    file.seek(0)
    try:
        if head == _EBML_MAGIC:
            seconds = _webm(file)
        elif head[:1] == b"\xff" and head[1:2] in _ADTS:
            seconds = _adts(file)
        else:
            seconds = (_endless_wav(file) if head == b"RIFF" else None) or _tagged(file)
    except Exception:  # noqa: BLE001 - a parser may raise anything for hostile bytes
        return None
    return seconds if seconds and 0 < seconds < _LONGEST else None


def _tagged(file: BinaryIO) -> float | None:
    from tinytag import TinyTag  # only uploads need it

    file.seek(0)
    return TinyTag.get(file_obj=file, tags=False, duration=True).duration


def _adts(file: BinaryIO) -> float | None:
    """The duration of bare AAC, counted frame by frame, since it has no header with its length."""
    file.seek(0)
    frames = 0
    rate = None
    while len(head := file.read(7)) == 7 and head[0] == 0xFF and head[1] in b"".join(_ADTS):  # noqa: PLR2004 - its head
        rate = _AAC_RATES[head[2] >> 2 & 15]
        length = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        frames += 1
        file.seek(length - len(head), 1)
    return frames * 1_024 / rate if rate else None


def _endless_wav(file: BinaryIO) -> float | None:
    """The duration of a wav without its length in the header, such as one written into a pipe, from its size."""
    size = file.seek(0, 2)
    file.seek(12)
    per_second = 0
    while len(head := file.read(8)) == 8:  # noqa: PLR2004 - a chunk's name and length
        length = int.from_bytes(head[4:], "little")
        if head[:4] == b"fmt ":
            per_second = int.from_bytes(file.read(16)[8:12], "little")
            length -= 16
        elif head[:4] == b"data":
            unknown = length in (0, 0xFFFFFFFF)
            return (size - file.tell()) / per_second if unknown and per_second else None
        file.seek(length, 1)
    return None


def _webm(file: BinaryIO) -> float | None:
    """The duration in the header; if a live recorder has left it out, the time of the last block."""
    size = file.seek(0, 2)
    file.seek(0)
    scale, stated, cluster, last = _DEFAULT_SCALE, None, 0, None
    while file.tell() < size:
        element, length = _id(file), _size(file)
        if element is None or length is None:
            break
        if element in _PARENTS:
            continue  # its children follow
        body = file.tell()
        if element == _SCALE:
            scale = int.from_bytes(file.read(length), "big")
        elif element == _DURATION:
            stated = _float(file.read(length))
        elif element == _TIMESTAMP:
            cluster = int.from_bytes(file.read(length), "big")
            last = cluster if last is None else max(last, cluster)
        elif element in (_SIMPLE_BLOCK, _BLOCK):
            _size(file)  # the track's number, coded like a size
            relative = int.from_bytes(file.read(2), "big", signed=True)
            last = max(last or 0, cluster + relative)
        if length == _UNKNOWN_SIZE:
            break
        file.seek(body + length)
    ticks = stated or last
    return None if ticks is None else ticks * scale / 1e9


def _id(file: BinaryIO) -> int | None:
    first = file.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    return int.from_bytes(first + file.read(length - 1), "big") if length <= 4 else None  # noqa: PLR2004


def _size(file: BinaryIO) -> int | None:
    first = file.read(1)
    if not first or not first[0]:
        return None
    length = 9 - first[0].bit_length()
    rest = file.read(length - 1)
    value = int.from_bytes(bytes([first[0] & (0xFF >> length)]) + rest, "big")
    return _UNKNOWN_SIZE if value == (1 << (7 * length)) - 1 else value


def _float(body: bytes) -> float | None:
    forms = {4: ">f", 8: ">d"}
    return None if len(body) not in forms else float(struct.unpack(forms[len(body)], body)[0])
