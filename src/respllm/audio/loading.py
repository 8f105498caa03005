"""Any common audio file, or the bytes of one, as a mono 16 kHz waveform."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from respllm.errors import AudioError

SAMPLE_RATE = 16_000
MAX_SECONDS = 3600.0
MAX_PEAK = 1e6
"""Full scale is 1. Float files at the scale of 16-bit integers pass, as loudness does not matter
to the front-end; beyond this limit its float32 powers would overflow."""

FORMATS = "wav, flac, mp3, ogg/opus, m4a/aac or webm"
# FFmpeg also reads playlists, which name further files and addresses: only containers of sound
# are let in, so that a file from a stranger opens nothing but itself.
CONTAINERS = "aac,aiff,amr,asf,caf,flac,m4a,matroska,mov,mp3,mp4,ogg,w64,wav,webm"
# TypeError: a file named ".raw" has no header. The others: what libsndfile raises.
SOUNDFILE_ERRORS = (soundfile.SoundFileRuntimeError, TypeError)
_BLOCK = 1 << 20


def load_audio(
    source: Path | str | bytes, start: float = 0.0, stop: float | None = None
) -> np.ndarray:
    """Decode a recording, or a stretch of it, to mono at 16 kHz.

    Channels are averaged; other rates are resampled with soxr HQ (as `librosa.load(sr=16000)`).

    Args:
        source: a file, or the bytes of one; wav, flac, mp3, ogg/opus, m4a/aac, webm and more.
        start: seconds from the beginning of the file; the cut is made before resampling.
        stop: seconds from the beginning of the file; None, or later than the end, is the end.

    Returns:
        float32 (n,), n >= 1, full scale 1.

    Raises:
        AudioError: the file is missing, empty, undecodable or without samples; the stretch is
            empty or longer than an hour; a sample is not a number or absurdly large.
    """
    name = describe(source)
    _check_stretch(start, stop, name)
    _check_present(source, name)
    try:
        samples, rate = _read_soundfile(source, start, stop, name)
    except SOUNDFILE_ERRORS:
        samples, rate = _read_av(source, start, stop, name)
    if not len(samples):
        raise AudioError(
            "The recording holds no samples" + (f" after {start:g} s" if start else ""),
            where=name,
            expected=f"sound in {FORMATS}",
            next_step="record again, or leave the recording out",
        )
    _check_samples(samples, name)
    return _resample(samples, rate)


def describe(source: Path | str | bytes) -> str:
    """What an error calls the source: its path, or how many bytes were given."""
    return f"{len(source)} bytes of audio" if isinstance(source, bytes) else str(source)


def _check_stretch(start: float, stop: float | None, name: str) -> None:
    end = math.inf if stop is None else stop
    if not 0 <= start < end:  # also False for NaN
        raise AudioError(
            f"The stretch from {start} s to {'the end' if stop is None else f'{stop} s'} is empty",
            where=name,
            expected="0 <= start < stop, in seconds",
        )


def _check_present(source: Path | str | bytes, name: str) -> None:
    try:
        size = len(source) if isinstance(source, bytes) else Path(source).stat().st_size
        if not isinstance(source, bytes):
            str(source).encode()
            with Path(source).open("rb"):
                pass
    except OSError as error:
        raise AudioError(
            f"Cannot open the recording: {error.strerror}",
            where=name,
            next_step="check the path and its permissions",
        ) from error
    except ValueError as error:  # a NUL, or bytes that are no UTF-8, which the decoders refuse
        raise AudioError(f"Not a path: {error}", next_step="rename the file") from error
    if not size:
        raise AudioError("The file is empty (0 bytes)", where=name, expected=FORMATS)


def _read_soundfile(
    source: Path | str | bytes, start: float, stop: float | None, name: str
) -> tuple[np.ndarray, int]:
    with _Forward(io.BytesIO(source) if isinstance(source, bytes) else source) as file:
        rate = file.samplerate
        first = _frame(start, rate)
        if first >= file.frames:
            return np.empty(0, np.float32), rate
        last = file.frames if stop is None else min(file.frames, _frame(stop, rate))
        if (last - first) / rate > MAX_SECONDS:
            raise _too_long(name)
        if file.format == "MP3":  # see _Forward
            for _ in _blocks(file, first):
                pass
        else:
            file.seek(first)
        return _join(_blocks(file, last - first)), rate


def _frame(seconds: float, rate: int) -> int:
    return round(min(seconds, 1e9) * rate)  # infinity has no frame


class _Forward(soundfile.SoundFile):
    """A file that is read from one end to the other.

    `SoundFile.read` seeks to where it is after each block of a seekable file. An MP3 frame builds
    on earlier ones, so each such seek would put a few milliseconds of silence into the sound.
    """

    def seekable(self) -> bool:
        return False


def _blocks(file: soundfile.SoundFile, left: int) -> Iterator[np.ndarray]:
    while left > 0:
        block = file.read(min(left, _BLOCK), dtype="float32", always_2d=True)
        if not len(block):  # a header that promises more than there is
            return
        left -= len(block)
        yield block.T.mean(axis=0)


def _read_av(
    source: Path | str | bytes, start: float, stop: float | None, name: str
) -> tuple[np.ndarray, int]:
    import av  # slow to load, and most recordings do not need it

    try:
        with open_container(source) as container:
            if not container.streams.audio:
                raise _undecodable(name)
            rate = 0
            at = 0  # index of the next decoded sample
            kept: list[np.ndarray] = []
            to_float = av.AudioResampler(format="fltp")
            for decoded in container.decode(audio=0):
                for frame in to_float.resample(decoded):
                    rate = rate or frame.sample_rate
                    if frame.sample_rate != rate:
                        raise _undecodable(name)
                    first = _frame(start, rate)
                    last = _frame(start + MAX_SECONDS + 1 if stop is None else stop, rate)
                    block = frame.to_ndarray().mean(axis=0)
                    kept.append(block[max(0, first - at) : max(0, last - at)])
                    at += len(block)
                    if at - first > MAX_SECONDS * rate and last - first > MAX_SECONDS * rate:
                        raise _too_long(name)
                if rate and at >= last:
                    break
    except AudioError:
        raise
    except (av.FFmpegError, ValueError) as error:
        raise _undecodable(name) from error
    return _join(iter(kept)), rate or SAMPLE_RATE


def open_container(source: Path | str | bytes) -> Any:
    """Open a file, or its bytes, with FFmpeg: containers of sound only, nothing else is opened.

    Raises:
        av.FFmpegError: FFmpeg cannot read it, or it is no container of sound.
    """
    import av

    return av.open(
        io.BytesIO(source) if isinstance(source, bytes) else str(source),
        options={"format_whitelist": CONTAINERS, "protocol_whitelist": "file"},
        metadata_errors="ignore",
    )


def _join(blocks: Iterator[np.ndarray]) -> np.ndarray:
    found = [np.asarray(block, np.float32) for block in blocks]
    return np.concatenate(found) if found else np.empty(0, np.float32)


def _check_samples(samples: np.ndarray, name: str) -> None:
    peak = float(np.abs(samples).max())
    if not math.isfinite(peak):
        bad = int((~np.isfinite(samples)).sum())
        raise AudioError(
            f"{bad} of {len(samples)} samples are not numbers (NaN or infinite)",
            where=name,
            next_step="export the recording again",
        )
    if peak > MAX_PEAK:
        raise AudioError(
            f"Samples reach {peak:.3g}",
            where=name,
            expected="full scale 1",
            next_step="export the recording again",
        )


def _resample(samples: np.ndarray, rate: int) -> np.ndarray:
    if rate == SAMPLE_RATE:
        return samples
    resampled = soxr.resample(samples, rate, SAMPLE_RATE, quality="soxr_hq")
    # soxr rounds the length to nearest; librosa, and so the published front-end, rounds up.
    length = math.ceil(len(samples) * (SAMPLE_RATE / rate))
    return np.pad(resampled[:length], (0, max(0, length - len(resampled))))


def _too_long(name: str) -> AudioError:
    return AudioError(
        f"The recording is longer than {MAX_SECONDS / 3600:g} hour",
        where=name,
        expected=f"at most {MAX_SECONDS:g} s at a time",
        next_step="give start and stop, or cut the file (ffmpeg -ss 0 -t 60 -i IN OUT)",
    )


def _undecodable(name: str) -> AudioError:
    return AudioError(
        "The recording cannot be decoded",
        where=name,
        expected=FORMATS,
        next_step="check that it plays elsewhere, or convert it to wav",
    )
