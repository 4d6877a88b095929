"""What a session's audio says: pieces of audio laid along an invented consultation."""

from __future__ import annotations

import statistics
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from mock_heidi.models import AudioPiece, Consultation, Utterance

# A chunk is recommended to be 45 s to a minute long: what a missing one is taken for where no other tells.
_USUAL_SEGMENT = 60.0

UPLOAD = "upload"


class Spoken(NamedTuple):
    """A piece of audio and the utterances heard in it."""

    piece: AudioPiece
    utterances: tuple[Utterance, ...]

    @property
    def text(self) -> str:
        return " ".join(utterance.text for utterance in self.utterances)


def listen(pieces: Sequence[AudioPiece], consultation: Consultation) -> list[Spoken]:
    """Every piece with what is said in it, in the order of the consultation.

    Pieces of a recording are joined by their index, whenever they came. A missing one takes its time along, so what
    would have been said in it is lost; any other speaks at least one utterance. Audio that is longer than the
    consultation hears it from the beginning again.
    """
    heard: list[Spoken] = []
    position, clock = 0, 0.0
    script = consultation.utterances
    for piece, length in _laid_out(pieces):
        clock += length
        start, position = position, max(position + 1, _begun(script, clock))
        if piece is not None:
            heard.append(Spoken(piece, tuple(script[at % len(script)] for at in range(start, position))))
    return heard


def _begun(script: Sequence[Utterance], clock: float) -> int:
    """How many utterances have begun by then, whole rounds included."""
    rounds, rest = divmod(clock, max(script[-1].at + script[-1].length, 1))
    return int(rounds) * len(script) + bisect_left(script, rest, key=lambda said: said.at)


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
