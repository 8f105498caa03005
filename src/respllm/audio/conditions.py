"""A sound as another device in another room would record it.

Everything happens on mel powers (frames, 64), where a device's response and its band limits are
gains, and reverberation lets power decay: two hundred times cheaper than on samples.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from respllm.audio.frontend import (
    DYNAMIC_RANGE_DB,
    FFT_HOP,
    MEL_HIGH_HZ,
    MEL_LOW_HZ,
    N_FRAMES,
    N_MELS,
    POWER_FLOOR,
    SAMPLE_RATE,
    mel_filters,
    mel_levels,
    scaled,
)
from respllm.config import StrictModel

VIEWS = "elsewhere-1"
"""Version of `heard_elsewhere`; part of the cache key of every clip that it changed."""

FRAME_SECONDS = FFT_HOP / SAMPLE_RATE
DECAY_SECONDS = (0.1, 0.6)
LOW_CUT_HZ = (40.0, 300.0)
HIGH_CUT_HZ = (700.0, 8000.0)
SLOPES_DB = (12.0, 96.0)  # per octave


class Conditions(StrictModel):
    """How often, and how strongly, a sound is changed.

    Attributes:
        band_limits: share of sounds whose low and high frequencies are cut off, as by a device.
        response_db: spread (standard deviation) of a device's smooth response, dB.
        noise: share of sounds with added noise.
        noise_db: how far below the sound noise is, at least; at most 30 dB.
        reverberation: share of sounds that ring on, 0.1 to 0.6 s.
        stretch: largest change of tempo, as a factor.
        gain_db: largest change of level.
    """

    band_limits: float = Field(default=0.6, ge=0, le=1)
    response_db: float = Field(default=6.0, ge=0)
    noise: float = Field(default=0.6, ge=0, le=1)
    noise_db: float = Field(default=0.0, ge=0, le=30)
    reverberation: float = Field(default=0.3, ge=0, le=1)
    stretch: float = Field(default=1.2, ge=1, le=2)
    gain_db: float = Field(default=12.0, ge=0)


def elsewhere(levels: np.ndarray, conditions: Conditions, rng: np.random.Generator) -> np.ndarray:
    """Mel levels (frames, 64) in dB as they would be in another room, by another device."""
    power: np.ndarray = np.power(10, levels.astype(np.float32) / 10)
    if rng.random() < conditions.reverberation:
        power = _ringing(power, rng)
    if rng.random() < conditions.noise:
        power = _noisy(power, conditions, rng)
    level = rng.uniform(-conditions.gain_db, conditions.gain_db)
    gain = level + _smooth_curve(conditions.response_db, rng)
    if rng.random() < conditions.band_limits:
        gain = gain + _band_limits(rng)
    return 10 * np.log10(np.maximum(power, POWER_FLOOR)) + gain


def heard_elsewhere(samples: np.ndarray, seed: Sequence[int]) -> np.ndarray:
    """Log-mel (256, 64) of a window of samples as some other device in some room would record it.

    It may also begin elsewhere and be played faster or slower. Training clips are repeated so; the
    noise stays at least 10 dB below the sound, so that the answer can still be heard.

    Args:
        samples: (n,) mono 16 kHz, from `windows`.
        seed: decides everything.
    """
    rng = np.random.default_rng(seed)
    levels = mel_levels(samples)[:N_FRAMES]
    levels = np.roll(levels, int(rng.integers(len(levels))), axis=0)
    tempo = _FOR_TRAINING.stretch ** rng.uniform(-1, 1)
    frames = min(N_FRAMES, max(1, round(len(levels) / tempo)))
    return as_log_mel(elsewhere(stretched(levels, 0, len(levels), frames), _FOR_TRAINING, rng))


def stretched(levels: np.ndarray, start: int, length: int, frames: int) -> np.ndarray:
    """So many frames from a stretch of `length` frames of mel levels: another tempo."""
    at = start + np.linspace(0, length - 1, frames)
    below = np.floor(at).astype(int)
    above = np.minimum(below + 1, len(levels) - 1)
    share = (at - below)[:, None].astype(np.float32)
    return levels[below] * (1 - share) + levels[above] * share


def as_log_mel(levels: np.ndarray) -> np.ndarray:
    """Mel levels (frames, 64) in dB to what an encoder takes, float32 (256, 64) in [0, 1].

    Scaled as in the front-end; what fills less than a window sits at its end and is repeated.
    """
    mel = scaled(np.maximum(levels, _FLOOR_DB))
    if len(mel) < N_FRAMES:
        mel = np.tile(mel, (-(-N_FRAMES // len(mel)), 1))[-N_FRAMES:]
    return mel[:N_FRAMES].astype(np.float32)


def _ringing(power: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An exponential tail behind every sound, weaker than the sound itself."""
    from scipy.signal import lfilter  # a third of a second that a prediction does without

    keep = 10 ** (-6 * FRAME_SECONDS / rng.uniform(*DECAY_SECONDS))
    tail = lfilter([0, keep], [1, -keep], power, axis=0)
    return (power + rng.uniform(0.05, 0.5) * tail).astype(np.float32)


def _noisy(power: np.ndarray, conditions: Conditions, rng: np.random.Generator) -> np.ndarray:
    """Noise with a slope of its own; each cell varies as the mean of a few spectral lines does."""
    slope = rng.uniform(-9, 3) / 3  # power of the frequency
    shape = (_CENTRES / 500) ** slope * 10 ** (_smooth_curve(3.0, rng) / 10)
    noise = shape * rng.gamma(_LINES, 1 / _LINES, power.shape)
    level = power.mean() * 10 ** (-rng.uniform(conditions.noise_db, 30.0) / 10)
    return (power + level / noise.mean() * noise).astype(np.float32)


def _smooth_curve(spread: float, rng: np.random.Generator) -> np.ndarray:
    """(64,) dB: straight lines between six to ten points along the mel scale, and a slope."""
    points = rng.normal(0, spread, int(rng.integers(6, 11)))
    curve = np.interp(np.linspace(0, len(points) - 1, N_MELS), np.arange(len(points)), points)
    slope = rng.normal(0, spread) * np.linspace(-1, 1, N_MELS)
    return (curve + slope).astype(np.float32)


def _band_limits(rng: np.random.Generator) -> np.ndarray:
    """(64,) dB: slopes below a low and above a high frequency."""
    low = np.exp(rng.uniform(*np.log(LOW_CUT_HZ)))
    high = np.exp(rng.uniform(*np.log(HIGH_CUT_HZ)))
    below = np.log2(np.maximum(low / _CENTRES, 1)) * rng.uniform(6, 24)
    above = np.log2(np.maximum(_CENTRES / high, 1)) * rng.uniform(*SLOPES_DB)
    return -(below + np.minimum(above, DYNAMIC_RANGE_DB)).astype(np.float32)


_FOR_TRAINING = Conditions(noise_db=10.0)
_FLOOR_DB = np.float32(10 * np.log10(POWER_FLOOR))
_BINS = np.linspace(0, SAMPLE_RATE / 2, mel_filters().shape[1])
_CENTRES = np.clip(
    (mel_filters() @ _BINS) / mel_filters().sum(axis=1), MEL_LOW_HZ, MEL_HIGH_HZ
).astype(np.float32)
"""(64,) Hz."""
_LINES = np.maximum(1.0, (mel_filters() > 0).sum(axis=1) / 2).astype(np.float32)
"""(64,) independent spectral lines in a band: a Hann window joins about two."""
