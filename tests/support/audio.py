"""Audio files as clients send them."""

import io
import wave
from pathlib import Path

DATA = Path(__file__).with_name("data")


def spoken(seconds: float, rate: int = 8_000) -> bytes:
    """A WAV file of silence of the given length in seconds."""
    file = io.BytesIO()
    with wave.open(file, "wb") as audio:
        audio.setnchannels(1)
        audio.setsampwidth(2)
        audio.setframerate(rate)
        audio.writeframes(b"\0\0" * round(rate * seconds))
    return file.getvalue()
