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
MAX_SAMPLES = 2**32
"""Of all channels together: an hour of stereo at 596 kHz. It bounds the time a small file can take
that unfolds to silence at a rate no sound card has."""
MAX_RATE = 2**20
"""Above, the resampler's filter alone takes seconds; FLAC's highest, 1,048,575 Hz, is below."""
UNKNOWN_FRAMES = 2**62
"""libsndfile says about twice as many where a FLAC file, written into a pipe, has no length."""
MAX_PEAK = 1e6
"""Full scale is 1. Float files at the scale of 16-bit integers pass, as loudness does not matter
to the front-end; beyond this limit its float32 powers would overflow."""

FORMATS = "wav, flac, mp3, ogg/opus, m4a/aac or webm"
# FFmpeg also reads playlists, which name further files and addresses: only containers of sound
# are let in, so that a file from a stranger opens nothing but itself.
CONTAINERS = "aac,aiff,amr,asf,caf,flac,m4a,matroska,mov,mp3,mp4,ogg,w64,wav,webm"
# TypeError: a file named ".raw" has no header. The others: what libsndfile raises.
SOUNDFILE_ERRORS = (soundfile.SoundFileRuntimeError, TypeError)
_BLOCK = 1 << 20  # samples of all channels

Block = tuple[np.ndarray, int]
"""Mono samples (n,) and their rate."""


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
            empty, longer than an hour or of more than 2^32 samples; a sample is not a number or
            absurdly large.
    """
    name = describe(source)
    _check_stretch(start, stop, name)
    _check_present(source, name)
    try:
        waveform = _waveform(_soundfile_blocks(source, start, stop, name), name)
    except SOUNDFILE_ERRORS:
        waveform = _waveform(_av_blocks(source, start, stop, name), name)
    if not len(waveform):
        raise AudioError(
            "The recording holds no samples" + (f" after {start:g} s" if start else ""),
            where=name,
            expected=f"sound in {FORMATS}",
            next_step="record again, or leave the recording out",
        )
    return waveform


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


def _soundfile_blocks(
    source: Path | str | bytes, start: float, stop: float | None, name: str
) -> Iterator[Block]:
    with _Forward(io.BytesIO(source) if isinstance(source, bytes) else source) as file:
        rate = file.samplerate
        first = _frame(start, rate)
        if first >= file.frames:
            return
        last = file.frames if stop is None else min(file.frames, _frame(stop, rate))
        stated = file.frames < UNKNOWN_FRAMES or stop is not None
        _check_length(last - first if stated else 0, rate, file.channels, name)
        if file.format == "MP3":  # see _Forward
            for _ in _blocks(file, first):
                pass
        else:
            file.seek(first)
        read = 0
        for block in _blocks(file, last - first):
            read += len(block)
            _check_length(read, rate, file.channels, name)
            yield block, rate


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
    at_once = max(1, _BLOCK // file.channels)
    while left > 0:
        block = file.read(min(left, at_once), dtype="float32", always_2d=True)
        if not len(block):  # a header that promises more than there is
            return
        left -= len(block)
        yield block.T.mean(axis=0)


def _av_blocks(
    source: Path | str | bytes, start: float, stop: float | None, name: str
) -> Iterator[Block]:
    import av  # slow to load, and most recordings do not need it

    try:
        with open_container(source) as container:
            if not container.streams.audio:
                raise _undecodable(name)
            rate = 0
            at = 0  # index of the next decoded sample
            # Interleaved: PyAV reads beyond a frame's planes where they are eight or more.
            to_float = av.AudioResampler(format="flt")
            for decoded in container.decode(audio=0):
                for frame in to_float.resample(decoded):
                    rate = rate or frame.sample_rate
                    if not rate or frame.sample_rate != rate:
                        raise _undecodable(name)
                    first = _frame(start, rate)
                    last = math.inf if stop is None else _frame(stop, rate)
                    channels = frame.layout.nb_channels
                    block = frame.to_ndarray().reshape(-1, channels).T.mean(axis=0)
                    yield block[max(0, first - at) : max(0, min(len(block), last - at))], rate
                    at += len(block)
                    _check_length(min(at, last) - first, rate, channels, name)
                if rate and at >= last:
                    break
    except AudioError:
        raise
    except (av.FFmpegError, ValueError) as error:
        raise _undecodable(name) from error


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


def _waveform(blocks: Iterator[Block], name: str) -> np.ndarray:
    """Mono blocks as one waveform at 16 kHz; (0,) without samples.

    Each is checked and resampled as it comes, so that memory follows the seconds that are kept and
    not the rate or the channels of the file. The numbers are those of resampling all at once.
    """
    parts: list[np.ndarray] = []
    resampler: soxr.ResampleStream | None = None
    count = bad = 0
    peak = 0.0
    rate = SAMPLE_RATE
    for samples, rate in blocks:
        block = np.asarray(samples, np.float32)
        if not len(block):
            continue
        count += len(block)
        highest = float(np.abs(block).max())
        if not math.isfinite(highest):
            bad += int((~np.isfinite(block)).sum())
        peak = max(peak, highest)
        if bad or peak > MAX_PEAK:  # an error; the rest is only counted
            continue
        if rate != SAMPLE_RATE:
            if resampler is None:
                resampler = soxr.ResampleStream(
                    rate, SAMPLE_RATE, 1, dtype="float32", quality="soxr_hq"
                )
            block = resampler.resample_chunk(block)
        parts.append(block)
    _check_samples(count, bad, peak, name)
    if resampler is not None:
        parts.append(resampler.resample_chunk(np.empty(0, np.float32), last=True))
    waveform = np.concatenate(parts) if parts else np.empty(0, np.float32)
    # soxr rounds the length to nearest; librosa, and so the published front-end, rounds up.
    length = math.ceil(count * (SAMPLE_RATE / rate))
    if len(waveform) == length:
        return waveform
    return np.pad(waveform[:length], (0, max(0, length - len(waveform))))


def _check_samples(count: int, bad: int, peak: float, name: str) -> None:
    if bad:
        raise AudioError(
            f"{bad} of {count} samples are not numbers (NaN or infinite)",
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


def _check_length(frames: float, rate: int, channels: int, name: str) -> None:
    """Refuse what lasts too long, by the header or, where that is not honest, while reading."""
    if rate > MAX_RATE:
        raise AudioError(
            f"A sample rate of {rate} Hz", where=name, expected=f"at most {MAX_RATE} Hz"
        )
    if frames / rate > MAX_SECONDS:
        raise _too_long(name)
    if frames * channels > MAX_SAMPLES:
        raise AudioError(
            f"The recording holds more than {MAX_SAMPLES:,} samples "
            f"({channels} channels at {rate} Hz)",
            where=name,
            next_step="save it as mono at 16 kHz (ffmpeg -i IN -ac 1 -ar 16000 OUT.wav)",
        )


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
