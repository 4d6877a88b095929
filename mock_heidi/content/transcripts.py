"""The transcripts of audio: each piece of audio gets its part of an invented consultation."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mock_heidi.state.consultation_records import Consultation, Utterance
from mock_heidi.state.session_records import AudioPiece

# The duration of a missing chunk if no other is known. The vendor recommends 45 to 60 s.
_USUAL_SEGMENT = 60.0
# Longer silences than this, in seconds, do not occur within a consultation. After its end they get a remark.
_LONGEST_PAUSE = 8
_SILENCE = {"en": "[Nothing more is said from {} to {}.]", "es": "[No se dice nada más de {} a {}.]"}

UPLOAD = "upload"


class Transcription(NamedTuple):
    """A piece of audio, its utterances, and a remark on the silence after the last one, or ``""``.

    ``began`` is its time in the consultation, in seconds.
    """

    piece: AudioPiece
    utterances: tuple[Utterance, ...]
    remark: str = ""
    began: float = 0.0

    @property
    def text(self) -> str:
        texts = [utterance.text for utterance in self.utterances]
        return " ".join([*texts, self.remark] if self.remark else texts)


def transcribe(pieces: Sequence[AudioPiece], consultation: Consultation) -> list[Transcription]:
    """Each piece with its utterances, in the order of the consultation.

    The pieces of a recording are ordered by index, not by arrival. The utterances of a missing piece are lost; each
    other piece has at least one. After the end of the consultation each piece has a remark with its times instead.
    """
    made: list[Transcription] = []
    position, clock = 0, 0.0
    script = consultation.utterances
    for piece, length in _laid_out(pieces):
        began, clock = clock, clock + length
        start, position = position, max(position + 1, bisect_left(script, clock, key=lambda utterance: utterance.at))
        if piece is not None:
            utterances = script[start:position]
            made.append(
                Transcription(piece, utterances, _remark(consultation, began, clock, last=not utterances), began)
            )
    return made


def _remark(consultation: Consultation, began: float, ended: float, *, last: bool) -> str:
    """The remark of a piece that lasts from ``began`` to ``ended``, in seconds. ``last``: it has no utterances."""
    final = consultation.utterances[-1]
    since = max(began, final.at + final.length)
    if not last and ended - since <= _LONGEST_PAUSE:
        return ""
    if since > ended:  # with short pieces, utterances come before their times
        since = began
    return _SILENCE.get(consultation.language, _SILENCE["en"]).format(_time(since), _time(ended))


def _time(seconds: float) -> str:
    """Seconds in the form ``6:56`` or ``1:06:40``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _laid_out(pieces: Sequence[AudioPiece]) -> Iterator[tuple[AudioPiece | None, float]]:
    """The pieces of each track with their durations in seconds; None for a missing piece. Tracks come as they began."""
    tracks: dict[str, dict[int, AudioPiece]] = {}
    for piece in pieces:
        # Uploaded files follow each other: each is a track.
        name = f"{UPLOAD} {piece.index}" if piece.track == UPLOAD else piece.track
        tracks.setdefault(name, {})[0 if piece.track == UPLOAD else piece.index] = piece
    for track in tracks.values():
        usual = statistics.median([piece.duration for piece in track.values()] or [_USUAL_SEGMENT])
        for index in range(max(track) + 1):
            found = track.get(index)
            yield found, float(usual if found is None else found.duration)
