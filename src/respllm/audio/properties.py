"""How a recording was made, as far as its file tells: nothing here is about the person."""

from __future__ import annotations

import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.signal import welch

from respllm.audio.headers import read_facts
from respllm.audio.loading import SAMPLE_RATE, load_audio
from respllm.audio.quality import FULL_SCALE
from respllm.errors import AudioError

FFT_SAMPLES = 1024
BAND_HZ = 250
NYQUIST_HZ = SAMPLE_RATE / 2
LOWEST_EDGE_HZ = 1000
"""Below it the sounds themselves may fall off as steeply as a filter."""
CLIFF_DB = 20.0
"""Fall within two bands (500 Hz) that no body and no microphone makes: 24 dB per octave, a steep
analogue filter, loses 9 dB there at 2 kHz and 3 dB at 6 kHz."""
SILENCE_DB = -200.0
FRAME_SAMPLES = 800  # 50 ms


@dataclass(frozen=True, slots=True)
class RecordingProperties:
    """What a file says about how it was recorded.

    Attributes:
        sample_rate: of the file, Hz; None if unknown.
        channels: of the file; None if unknown.
        bandwidth_hz: where the spectrum breaks off, in steps of 250 Hz; 8000 if it does not.
        loudness_dbfs: RMS around the mean; full scale is 0.
        seconds: length of the stretch.
        noise_floor_dbfs: level that the quietest twentieth of the 50 ms frames stays below.
        clipped_fraction: share of samples at full scale.
    """

    sample_rate: int | None
    channels: int | None
    bandwidth_hz: float
    loudness_dbfs: float
    seconds: float
    noise_floor_dbfs: float
    clipped_fraction: float


def recording_properties(
    path: Path, start: float = 0.0, stop: float | None = None
) -> RecordingProperties:
    """Measure a recording, or the stretch of it from `start` to `stop` (seconds; None: the end).

    Raises:
        AudioError: it cannot be decoded.
    """
    facts = read_facts(path)
    if facts.error is not None:
        raise AudioError(f"The recording {facts.error}", where=str(path))
    waveform = load_audio(path, start, stop)
    whole = (
        waveform[: len(waveform) // FRAME_SAMPLES * FRAME_SAMPLES] if len(waveform) else waveform
    )
    frames = (whole if len(whole) else waveform).reshape(-1, min(FRAME_SAMPLES, len(waveform)))
    return RecordingProperties(
        sample_rate=facts.sample_rate,
        channels=facts.channels,
        bandwidth_hz=band_limit(waveform),
        loudness_dbfs=_decibels(float(np.var(waveform, dtype=np.float64))),
        seconds=len(waveform) / SAMPLE_RATE,
        noise_floor_dbfs=_decibels(float(np.quantile(frames.var(axis=1, dtype=np.float64), 0.05))),
        clipped_fraction=float((np.abs(waveform) >= FULL_SCALE).mean()),
    )


def properties_of(paths: Iterable[Path]) -> dict[Path, RecordingProperties]:
    """Measure many recordings side by side; those that cannot be decoded are left out."""
    wanted = list(dict.fromkeys(paths))

    def one(path: Path) -> RecordingProperties | None:
        try:
            return recording_properties(path)
        except AudioError:
            return None

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        found = zip(wanted, pool.map(one, wanted), strict=True)
        return {path: known for path, known in found if known is not None}


def band_limit(waveform: np.ndarray) -> float:
    """Where the long-term spectrum of a waveform (n,) at 16 kHz breaks off, Hz.

    A file's sampling rate, an earlier resampling and a codec leave a cliff; a sound's own slope
    does not, however steep. A fixed level below the peak (80 dB) would measure the slope instead:
    lung sounds fall that far by themselves.

    Returns:
        The lower edge of the cliff, rounded to 250 Hz; 8000.0 without one.
    """
    samples = np.asarray(waveform, np.float64)
    _, power = welch(samples, SAMPLE_RATE, nperseg=min(FFT_SAMPLES, len(samples)))
    per_band = max(1, round(BAND_HZ / (NYQUIST_HZ / max(1, len(power) - 1))))
    count = len(power) // per_band
    if count < 4:  # too short to tell
        return NYQUIST_HZ
    level = np.array(
        [
            _decibels(float(band.mean()))
            for band in power[: count * per_band].reshape(count, per_band)
        ]
    )
    above = np.maximum.accumulate(level[::-1])[::-1]  # the loudest from each band on
    for band in range(round(LOWEST_EDGE_HZ / BAND_HZ), count - 2):
        if level[band] - above[band + 2] >= CLIFF_DB:
            return float((band + 1) * BAND_HZ)
    return NYQUIST_HZ


def _decibels(power: float) -> float:
    return 10 * float(np.log10(max(power, 10 ** (SILENCE_DB / 10))))
