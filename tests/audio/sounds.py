"""Sounds and files for the tests of the audio and encoder rooms."""

from __future__ import annotations

import io
from pathlib import Path

import av
import numpy as np
import soundfile

AV_CONTAINERS = {"m4a": ("mp4", "aac", 44_100), "webm": ("webm", "libopus", 48_000)}


def tone(seconds: float, rate: int = 16_000, hertz: float = 440.0) -> np.ndarray:
    """A tone (n,) at half of full scale that swells from nothing to tell its parts apart."""
    t = np.arange(round(seconds * rate)) / rate
    return (0.5 * (t / seconds) * np.sin(2 * np.pi * hertz * t)).astype(np.float32)


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    samples = round(seconds * 16_000)
    return (0.1 * np.random.default_rng(seed).standard_normal(samples)).astype(np.float32)


def encoded(samples: np.ndarray, rate: int, kind: str) -> bytes:
    """Samples (n,) or (n, channels) as the bytes of a file of some kind ("flac", "webm")."""
    if kind in AV_CONTAINERS:
        return _with_av(samples, rate, kind)
    buffer = io.BytesIO()
    subtype = "OPUS" if kind == "opus" else "FLOAT" if kind == "wav" else None
    container = "OGG" if kind == "opus" else kind.upper()
    soundfile.write(buffer, samples, rate, format=container, subtype=subtype)
    return buffer.getvalue()


def _with_av(samples: np.ndarray, rate: int, kind: str) -> bytes:
    container, codec, _ = AV_CONTAINERS[kind]
    planes = np.ascontiguousarray(np.atleast_2d(samples.T))
    layout = "mono" if len(planes) == 1 else "stereo"
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=container) as out:
        stream = out.add_stream(codec, rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(planes, format="fltp", layout=layout)
        frame.sample_rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            out.mux(packet)
    return buffer.getvalue()


def write(path: Path, samples: np.ndarray, rate: int = 16_000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate)
    return path
