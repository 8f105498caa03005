"""Recordings from strangers as waveforms, in bounded memory and time."""

from __future__ import annotations

import io

import numpy as np
import soundfile

from respllm.audio import SAMPLE_RATE, load_audio
from respllm.audio.loading import (
    FORMATS,
    MAX_SECONDS,
    SOUNDFILE_ERRORS,
    UNKNOWN_FRAMES,
    open_container,
)
from respllm.errors import AudioError
from respllm.server.settings import Settings

TOO_LONG = "The recording is too long"


def decode(
    audio: bytes, settings: Settings, start: float = 0.0, stop: float | None = None
) -> np.ndarray:
    """Decode a recording, or the stretch of it from `start` to `stop` (seconds; None: the end).

    What its header says is checked first; a header that lies costs no more than one that does not.

    Returns:
        float32 (n,) mono at 16 kHz, full scale 1.

    Raises:
        AudioError: it cannot be decoded, is too long, or unfolds to too many samples.
    """
    if start > MAX_SECONDS:  # all before it may have to be decoded
        raise AudioError("The stretch begins too late", expected=f"within {MAX_SECONDS:g} s")
    samples_a_second, seconds = _header(audio)
    longest = min(settings.max_seconds, settings.max_samples / samples_a_second)
    wanted = min(seconds if stop is None else stop, seconds) - start
    if wanted > longest:
        raise _too_long(longest)
    end = start + longest + 1 if stop is None else stop
    if end - start > longest + 1:
        raise _too_long(longest)
    waveform = load_audio(audio, start, end)
    if len(waveform) > longest * SAMPLE_RATE:
        raise _too_long(longest)
    return waveform


def _header(audio: bytes) -> tuple[float, float]:
    """Samples of all channels in a second, and seconds by the header (0 if it does not say)."""
    try:
        info = soundfile.info(io.BytesIO(audio))
    except SOUNDFILE_ERRORS:
        return _container_header(audio)
    frames = 0 if info.frames >= UNKNOWN_FRAMES else info.frames
    return max(1, info.samplerate * info.channels), frames / max(1, info.samplerate)


def _container_header(audio: bytes) -> tuple[float, float]:
    import av  # slow to load, and most recordings do not need it

    try:
        with open_container(audio) as container:
            if not container.streams.audio:
                raise AudioError("The file holds no sound", expected=FORMATS)
            stream = container.streams.audio[0]
            return max(1, stream.rate * stream.channels), (container.duration or 0) / 1e6
    except (av.FFmpegError, ValueError, TypeError, AttributeError):  # also: no known codec
        raise AudioError(
            "The recording cannot be decoded",
            where=f"{len(audio)} bytes of audio",
            expected=FORMATS,
            next_step="check that it plays elsewhere, or convert it to wav",
        ) from None


def _too_long(longest: float) -> AudioError:
    return AudioError(
        TOO_LONG,
        expected=f"at most {longest:.0f} s",
        next_step="cut it (ffmpeg -ss 0 -t 60 -i IN OUT)",
    )
