"""What a recording is like, before anything is predicted from it."""

from __future__ import annotations

import base64
import math

import numpy as np

from respllm.audio import SAMPLE_RATE, check_usable, measure, warnings
from respllm.audio.frontend import (
    DYNAMIC_RANGE_DB,
    FFT_HOP,
    FFT_SAMPLES,
    MEL_HIGH_HZ,
    MEL_LOW_HZ,
    N_MELS,
    POWER_FLOOR,
    mel_filters,
)
from respllm.errors import AudioError
from respllm.server.schemas import Listened, Spectrogram, Waveform

WAVEFORM_POINTS = 1000
MAX_FRAMES = 1200
"""Of a spectrogram: longer ones are averaged over neighbouring frames."""
_FRAMES_AT_ONCE = 2048


def describe_recording(waveform: np.ndarray, clips: int) -> Listened:
    """Measure a waveform (n,) at 16 kHz and draw it.

    Args:
        clips: stretches of it that the model hears.

    Raises:
        AudioError: not a waveform of finite numbers.
    """
    quality = measure(waveform)
    reason = None
    try:
        check_usable(waveform)
    except AudioError as error:
        reason = str(error)
    return Listened(
        seconds=quality.seconds,
        sound_seconds=quality.sound_seconds,
        peak_dbfs=_decibels(quality.peak),
        rms_dbfs=_decibels(quality.rms),
        clipped_fraction=quality.clipped_fraction,
        usable=reason is None,
        reason=reason,
        warnings=warnings(quality) if reason is None else (),
        clips=clips,
        waveform=_envelope(waveform),
        spectrogram=_spectrogram(waveform),
    )


def _envelope(waveform: np.ndarray) -> Waveform:
    points = min(WAVEFORM_POINTS, len(waveform))
    edges = np.linspace(0, len(waveform), points, endpoint=False).astype(int)
    low = np.minimum.reduceat(waveform, edges)
    high = np.maximum.reduceat(waveform, edges)
    return Waveform(
        low=tuple(round(float(value), 4) for value in low),
        high=tuple(round(float(value), 4) for value in high),
    )


def _spectrogram(waveform: np.ndarray) -> Spectrogram:
    """The front-end's log-mel without its windows of 8.18 s: one scale for the whole recording."""
    from scipy.fft import rfft  # as the front-end

    padded = np.pad(np.asarray(waveform, np.float32), FFT_SAMPLES // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_SAMPLES)[::FFT_HOP]
    together = math.ceil(len(frames) / MAX_FRAMES)
    hann = np.hanning(FFT_SAMPLES + 1)[:-1].astype(np.float32)
    parts = []
    step = _FRAMES_AT_ONCE // together * together
    for first in range(0, len(frames), step):
        spectrum = rfft(frames[first : first + step] * hann, axis=1)
        mel = (np.square(spectrum.real) + np.square(spectrum.imag)) @ mel_filters().T
        starts = np.arange(0, len(mel), together)
        counts = np.diff(np.append(starts, len(mel)))[:, None]
        parts.append(np.add.reduceat(mel, starts, axis=0) / counts)
    level = 10 * np.log10(np.maximum(np.concatenate(parts), POWER_FLOOR))
    level = np.maximum(level, level.max() - DYNAMIC_RANGE_DB)
    spread = max(float(level.max() - level.min()), 1e-9)
    values = np.round(255 * (level - level.min()) / spread).astype(np.uint8)
    return Spectrogram(
        frames=len(values),
        bands=N_MELS,
        seconds=len(waveform) / SAMPLE_RATE,
        low_hz=MEL_LOW_HZ,
        high_hz=MEL_HIGH_HZ,
        values=base64.b64encode(values.tobytes()).decode("ascii"),
    )


def _decibels(amplitude: float) -> float | None:
    return 20 * math.log10(amplitude) if amplitude > 0 else None
