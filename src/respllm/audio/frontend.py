"""The front-end that the OPERA checkpoints were trained on: waveform to log-mel, exactly.

trim silence -> windows of 8.18 s -> log-mel (256 frames x 64 bands), scaled to [0, 1].
Its numbers equal those of librosa's `trim`, `melspectrogram` and `power_to_db`; written in numpy
because importing librosa takes seconds.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np

from respllm.audio.loading import MAX_PEAK, SAMPLE_RATE
from respllm.errors import AudioError

FRONTEND = "opera-1"
"""Version of everything from file to log-mel; part of every encoder's identity, so raise it with
any change to the numbers, to what is decoded or to which recordings count as usable."""

FRONTEND_BITS = f"{FRONTEND}.1"
"""The same with its rounding; part of every cache key, so raise it where only last bits change: a
model still hears what it was trained with, but tokens of two roundings do not mix."""

WINDOW_SECONDS = 8.18
WINDOW_SAMPLES = int(WINDOW_SECONDS * SAMPLE_RATE)  # 130,880
WINDOW_HOP = WINDOW_SAMPLES // 2

TRIM_HOP = 800  # 50 ms
TRIM_FRAME = 2 * TRIM_HOP
TRIM_DB = 60.0  # below the loudest frame
TRIM_FLOOR = 1e-10  # power

FFT_SAMPLES = 1024
FFT_HOP = 512
N_FRAMES = 1 + WINDOW_SAMPLES // FFT_HOP  # 256
N_MELS = 64
MEL_LOW_HZ, MEL_HIGH_HZ = 50.0, 8000.0
POWER_FLOOR = 1e-10
DYNAMIC_RANGE_DB = 80.0
_FRAMES_AT_ONCE = 1024  # an hour's spectrum would not fit


def log_mel(waveform: np.ndarray, window: int = 0) -> np.ndarray:
    """Log-mel of one window of a waveform, silence at its ends trimmed.

    Args:
        waveform: (n,) mono 16 kHz, full scale 1, from `load_audio`.
        window: which window of 8.18 s (hop 4.09 s) of the trimmed waveform.

    Returns:
        float32 (256, 64), time x mel, in [0, 1]; all zeros for a constant spectrum (silence).

    Raises:
        AudioError: not a mono waveform of finite numbers, or no such window.
    """
    return log_mels(waveform, [window])[0]


def log_mels(waveform: np.ndarray, indices: Sequence[int]) -> np.ndarray:
    """Log-mels of several windows of one waveform, (k, 256, 64); see `log_mel`."""
    mels = [scaled(mel_levels(samples)) for samples in windows(waveform, indices)]
    return np.stack(mels) if mels else np.empty((0, N_FRAMES, N_MELS), np.float32)


def trim_silence(waveform: np.ndarray) -> np.ndarray:
    """Cut off the ends that stay 60 dB below the loudest 100 ms; (n,) to a view (m,), 1 <= m <= n.

    A waveform that is silent throughout is returned whole.

    Raises:
        AudioError: not a mono waveform of finite numbers.
    """
    waveform = _checked(waveform)
    n = len(waveform)
    # Frame t is two neighbouring hops, centred on sample 800 t, with zeros beyond the ends.
    hops = np.zeros((n // TRIM_HOP + 1) * TRIM_HOP, np.float32)
    hops[:n] = waveform
    energy = np.square(hops, dtype=np.float64).reshape(-1, TRIM_HOP).sum(axis=1)
    power = (energy + np.concatenate(([0.0], energy[:-1]))) / TRIM_FRAME
    level = 10 * np.log10(np.maximum(power, TRIM_FLOOR))
    loud = np.flatnonzero(level - level.max() > -TRIM_DB)
    return waveform[loud[0] * TRIM_HOP : min(n, (loud[-1] + 1) * TRIM_HOP)]


def count_windows(waveform: np.ndarray) -> int:
    """How many windows `log_mel` can take from a waveform (n,), at least 1.

    Raises:
        AudioError: not a mono waveform of finite numbers.
    """
    return _count(len(trim_silence(waveform)))


def windows(waveform: np.ndarray, indices: Sequence[int] | None = None) -> Iterator[np.ndarray]:
    """Trim a waveform (n,), then yield its windows, each (130880,): all, or those asked for.

    What fills less than a window sits at its end and is repeated periodically to the left.

    Raises:
        AudioError: not a mono waveform of finite numbers, or no such window.
    """
    trimmed = trim_silence(waveform)
    count = _count(len(trimmed))
    for index in range(count) if indices is None else indices:
        if not 0 <= index < count:
            raise AudioError(
                f"There is no window {index}: the recording gives {count}",
                where=f"{len(trimmed) / SAMPLE_RATE:.2f} s of sound",
                expected=f"0 to {count - 1}",
            )
        piece = trimmed[index * WINDOW_HOP :][:WINDOW_SAMPLES]
        if len(piece) < WINDOW_SAMPLES:
            piece = np.tile(piece, -(-WINDOW_SAMPLES // len(piece)))[-WINDOW_SAMPLES:]
        yield piece


@cache
def mel_filters() -> np.ndarray:
    """The mel filter bank, float32 (64, 513): Slaney's scale, each triangle of unit area.

    Source: M. Slaney, Auditory Toolbox (1998): linear below 1 kHz, logarithmic above.
    """
    low, high = _hz_to_mel(MEL_LOW_HZ), _hz_to_mel(MEL_HIGH_HZ)
    edges = _mel_to_hz(np.linspace(low, high, N_MELS + 2))
    bins = np.arange(FFT_SAMPLES // 2 + 1) * (SAMPLE_RATE / FFT_SAMPLES)
    rise = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    area = (edges[2:] - edges[:-2])[:, None] / 2
    return (np.maximum(0, np.minimum(rise, fall)) / area).astype(np.float32)


_LINEAR_MEL_HZ = 200 / 3
_LOG_FROM_HZ = 1000.0
_LOG_FROM_MEL = _LOG_FROM_HZ / _LINEAR_MEL_HZ
_LOG_STEP = math.log(6.4) / 27


def _hz_to_mel(hz: float) -> float:
    if hz < _LOG_FROM_HZ:
        return hz / _LINEAR_MEL_HZ
    return _LOG_FROM_MEL + math.log(hz / _LOG_FROM_HZ) / _LOG_STEP


def _mel_to_hz(mel: np.ndarray) -> np.ndarray:
    logarithmic = _LOG_FROM_HZ * np.exp(_LOG_STEP * (mel - _LOG_FROM_MEL))
    return np.where(mel < _LOG_FROM_MEL, mel * _LINEAR_MEL_HZ, logarithmic)


@cache
def _hann() -> np.ndarray:
    return np.hanning(FFT_SAMPLES + 1)[:-1].astype(np.float32)  # periodic


def mel_levels(samples: np.ndarray) -> np.ndarray:
    """Mel powers of samples (n,) of any length in dB, float32 (1 + n // 512, 64), unscaled."""
    from scipy.fft import rfft  # several transforms at once: five times numpy's speed

    padded = np.pad(samples, FFT_SAMPLES // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT_SAMPLES)[::FFT_HOP]
    found = np.empty((len(frames), N_MELS), np.float32)
    for start in range(0, len(frames), _FRAMES_AT_ONCE):
        spectrum = rfft(frames[start : start + _FRAMES_AT_ONCE] * _hann(), axis=1)
        power = np.square(spectrum.real) + np.square(spectrum.imag)
        mel = power @ mel_filters().T
        level = 10 * np.log10(np.maximum(mel, np.float32(POWER_FLOOR)))
        found[start : start + _FRAMES_AT_ONCE] = level
    return found


def scaled(levels: np.ndarray) -> np.ndarray:
    """Mel levels in dB to [0, 1]: 80 dB below the loudest, then minimum to maximum; 0 if alike."""
    levels = np.maximum(levels, levels.max() - np.float32(DYNAMIC_RANGE_DB))
    spread = levels.max() - levels.min()
    if not spread:
        return np.zeros_like(levels)
    return (levels - levels.min()) / spread


def _count(n: int) -> int:
    return 1 if n <= WINDOW_SAMPLES else 2 + (n - WINDOW_SAMPLES) // WINDOW_HOP


def _checked(waveform: np.ndarray) -> np.ndarray:
    waveform = np.asarray(waveform, np.float32)
    if waveform.ndim != 1 or not len(waveform):
        raise AudioError(
            f"Got an array of shape {waveform.shape}",
            where="waveform",
            expected="one dimension, at least one sample: mono at 16 kHz",
            next_step="use respllm.audio.load_audio",
        )
    peak = float(np.abs(waveform).max())
    if not peak <= MAX_PEAK:  # also for NaN
        raise AudioError(
            f"The waveform reaches {peak}",
            where="waveform",
            expected="finite samples, full scale 1",
        )
    return waveform
