"""The words in a session's audio: pieces of audio laid along an invented consultation."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mock_heidi.consultation_records import Consultation, Utterance
from mock_heidi.session_records import AudioPiece

# A chunk is recommended to be 45 s to a minute long: what a missing one is taken for where no other tells.
_USUAL_SEGMENT = 60.0
# The longest silence within a consultation: a longer one after its end is told.
_LONGEST_PAUSE = 8
_SILENCE = {"en": "[Nothing more is said from {} to {}.]", "es": "[No se dice nada más de {} a {}.]"}

UPLOAD = "upload"


class Spoken(NamedTuple):
    """A piece of audio, the utterances heard in it, and a remark on the silence after the last one, or ``""``."""

    piece: AudioPiece
    utterances: tuple[Utterance, ...]
    remark: str = ""

    @property
    def text(self) -> str:
        texts = [utterance.text for utterance in self.utterances]
        return " ".join([*texts, self.remark] if self.remark else texts)


def listen(pieces: Sequence[AudioPiece], consultation: Consultation) -> list[Spoken]:
    """Every piece with what is said in it, in the order of the consultation.

    Pieces of a recording are joined by their index, whenever they came. A missing one takes its time along, so what
    would have been said in it is lost; any other speaks at least one utterance. Of audio that is longer than the
    consultation each piece says from when to when nothing more is said.
    """
    heard: list[Spoken] = []
    position, clock = 0, 0.0
    script = consultation.utterances
    for piece, length in _laid_out(pieces):
        began, clock = clock, clock + length
        start, position = position, max(position + 1, bisect_left(script, clock, key=lambda utterance: utterance.at))
        if piece is not None:
            spoken = script[start:position]
            heard.append(Spoken(piece, spoken, _remark(consultation, began, clock, last=not spoken)))
    return heard


def _remark(consultation: Consultation, began: float, ended: float, *, last: bool) -> str:
    """The remark of a piece on the silence between two seconds; ``last`` if the consultation ended before the piece."""
    final = consultation.utterances[-1]
    since = max(began, final.at + final.length)
    if not last and ended - since <= _LONGEST_PAUSE:
        return ""
    if since > ended:  # short pieces run ahead of the consultation's own times
        since = began
    return _SILENCE.get(consultation.language, _SILENCE["en"]).format(_time(since), _time(ended))


def _time(seconds: float) -> str:
    """Seconds as people write them: ``6:56``, ``1:06:40``."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _laid_out(pieces: Sequence[AudioPiece]) -> Iterator[tuple[AudioPiece | None, float]]:
    """Pieces, or None for a missing one, with their durations: the tracks in the order in which they began."""
    tracks: dict[str, dict[int, AudioPiece]] = {}
    for piece in pieces:
        # Whole files follow each other; each is a track of its own.
        name = f"{UPLOAD} {piece.index}" if piece.track == UPLOAD else piece.track
        tracks.setdefault(name, {})[0 if piece.track == UPLOAD else piece.index] = piece
    for track in tracks.values():
        usual = statistics.median([piece.duration for piece in track.values()] or [_USUAL_SEGMENT])
        for index in range(max(track) + 1):
            found = track.get(index)
            yield found, float(usual if found is None else found.duration)
