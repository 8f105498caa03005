"""What a file's bytes and header say about a recording, without decoding it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import soundfile

from respllm.audio.loading import (
    MAX_SECONDS,
    SOUNDFILE_ERRORS,
    UNKNOWN_FRAMES,
    open_container,
)


@dataclass(frozen=True, slots=True)
class AudioFacts:
    """What a file's bytes and header say; nothing is decoded.

    Attributes:
        path: as asked for.
        sha256: of the file's bytes, in hexadecimal; None if the file cannot be read.
        seconds: length by the header; None if unknown.
        sample_rate: in Hz; None if unknown.
        channels: None if unknown.
        error: why the file cannot be read or holds no sound; None if all is well so far (only
            decoding shows what a header hides).
    """

    path: Path
    sha256: str | None
    seconds: float | None = None
    sample_rate: int | None = None
    channels: int | None = None
    error: str | None = None


def read_facts(path: Path) -> AudioFacts:
    """Hash a file and read its header; whatever is wrong stands in `error`."""
    try:
        str(path).encode()
        with path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
            size = file.tell()
    except OSError as error:
        return AudioFacts(path, None, error=f"cannot be opened: {error.strerror}")
    except ValueError as error:  # a NUL, or bytes that are no UTF-8, which the decoders refuse
        return AudioFacts(path, None, error=f"not a path: {error}")
    try:
        seconds, rate, channels = _header(path)
    except Exception:  # two C libraries meet arbitrary bytes here
        reason = "cannot be decoded" if size else "the file is empty"
        return AudioFacts(path, sha256, error=reason)
    problem = None
    if seconds == 0:
        problem = "holds no samples"
    elif seconds is not None and seconds > MAX_SECONDS:
        problem = (
            f"lasts {seconds / 3600:.1f} h; at most {MAX_SECONDS / 3600:.0f} h is read: cut it"
        )
    return AudioFacts(path, sha256, seconds, rate, channels, problem)


def _header(path: Path) -> tuple[float | None, int, int]:
    try:
        info = soundfile.info(path)
    except SOUNDFILE_ERRORS:
        return _container_header(path)
    seconds = None if info.frames >= UNKNOWN_FRAMES else info.frames / info.samplerate
    return seconds, info.samplerate, info.channels


def _container_header(path: Path) -> tuple[float | None, int, int]:
    with open_container(path) as container:
        stream = container.streams.audio[0]
        if container.duration is not None:
            return container.duration / 1e6, stream.rate, stream.channels
        # Recordings streamed from a browser do not state their length: the packets' times do.
        times = [
            float((packet.pts + (packet.duration or 0)) * packet.time_base)
            for packet in container.demux(stream)
            if packet.pts is not None
        ]
        return max(times, default=None), stream.rate, stream.channels
