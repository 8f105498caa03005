"""Views of a recording: another stretch of it, as another device in another room would hear it.

Everything happens on mel powers (frames, 64), where a device's response and its band limits are
gains, and reverberation lets power decay: two hundred times cheaper than on samples.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

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
)
from respllm.pretraining.audio.planting import TOLD, Bank, PlantedKind
from respllm.pretraining.audio.settings import Augmentation

FRAME_SECONDS = FFT_HOP / SAMPLE_RATE
NOISE_DB = (0.0, 30.0)  # below the sound
DECAY_SECONDS = (0.1, 0.6)
LOW_CUT_HZ = (40.0, 300.0)
HIGH_CUT_HZ = (700.0, 8000.0)
SLOPES_DB = (12.0, 96.0)  # per octave
STRIPES = 2  # of time and of frequency that are hidden
LONGEST_STRIPE = (24, 8)  # frames, bands


@dataclass(frozen=True, slots=True)
class View:
    """One view of a recording.

    Attributes:
        mel: float32 (256, 64) in [0, 1], as the front-end gives it.
        told: bool (256, 2): frames in which a planted crackle, a planted wheeze can be seen.
    """

    mel: np.ndarray
    told: np.ndarray


def make_view(
    levels: np.ndarray,
    settings: Augmentation,
    bank: Bank | None,
    kinds: tuple[PlantedKind, ...],
    rng: np.random.Generator,
) -> View:
    """A crop of a recording, changed as a device and a room would, scaled and repeated to 8.18 s.

    Args:
        levels: (frames, 64) of the whole recording, dB.
        settings: how much is changed.
        bank: what is planted from; None plants nothing.
        kinds: what is planted.
        rng: decides everything.
    """
    power = 10 ** (_crop(levels, settings, rng).astype(np.float32) / 10)
    if rng.random() < settings.reverberation:
        power = _ringing(power, rng)
    if rng.random() < settings.noise:
        power = _noisy(power, rng)
    told = np.zeros((len(power), TOLD), bool)
    if bank is not None and kinds:
        planted = bank.plant(power, kinds, rng)
        power, told = planted.power, planted.told
    gain = rng.uniform(-settings.gain_db, settings.gain_db) + _response(settings, rng)
    if rng.random() < settings.band_limits:
        gain = gain + _band_limits(rng)
    mel = scaled(10 * np.log10(np.maximum(power, POWER_FLOOR)) + gain)
    return View(_repeated(mel), _repeated(told))


def hide_stripes(mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A copy with stripes of time and of frequency replaced by the mean (SpecAugment)."""
    found = mel.copy()
    for axis, longest in enumerate(LONGEST_STRIPE):
        for _ in range(STRIPES):
            size = int(rng.integers(longest + 1))
            start = int(rng.integers(mel.shape[axis] - size + 1))
            stripe = slice(start, start + size)
            found[stripe if axis == 0 else (slice(None), stripe)] = mel.mean()
    return found


def scaled(level: np.ndarray) -> np.ndarray:
    """dB to [0, 1] as in the front-end: 80 dB below the loudest cell, then minimum to maximum."""
    level = np.maximum(level, POWER_FLOOR_DB)
    level = np.maximum(level, level.max() - np.float32(DYNAMIC_RANGE_DB))
    spread = level.max() - level.min()
    if not spread:
        return np.zeros_like(level, dtype=np.float32)
    return ((level - level.min()) / spread).astype(np.float32)


def _crop(levels: np.ndarray, settings: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """A stretch of the recording of 1.5 to 8.18 s or all of it, faster or slower."""
    tempo = settings.stretch ** rng.uniform(-1, 1)
    shortest = round(settings.shortest_seconds / FRAME_SECONDS)
    wanted = int(rng.integers(shortest, N_FRAMES + 1))
    length = min(len(levels), max(1, round(wanted * tempo)))
    start = int(rng.integers(len(levels) - length + 1))
    frames = min(N_FRAMES, max(1, round(length / tempo)))
    at = start + np.linspace(0, length - 1, frames)
    below = np.floor(at).astype(int)
    above = np.minimum(below + 1, len(levels) - 1)
    share = (at - below)[:, None].astype(np.float32)
    return levels[below] * (1 - share) + levels[above] * share


def _ringing(power: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """An exponential tail behind every sound, weaker than the sound itself."""
    keep = 10 ** (-6 * FRAME_SECONDS / rng.uniform(*DECAY_SECONDS))
    tail = lfilter([0, keep], [1, -keep], power, axis=0)
    return (power + rng.uniform(0.05, 0.5) * tail).astype(np.float32)


def _noisy(power: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Noise with a slope of its own; each cell varies as the mean of a few spectral lines does."""
    slope = rng.uniform(-9, 3) / 3  # power of the frequency
    shape = (_CENTRES / 500) ** slope * 10 ** (_smooth_curve(3.0, rng) / 10)
    noise = shape * rng.gamma(_LINES, 1 / _LINES, power.shape)
    level = power.mean() * 10 ** (-rng.uniform(*NOISE_DB) / 10)
    return (power + level / noise.mean() * noise).astype(np.float32)


def _response(settings: Augmentation, rng: np.random.Generator) -> np.ndarray:
    return _smooth_curve(settings.response_db, rng)


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


def _repeated(piece: np.ndarray) -> np.ndarray:
    """What fills less than a window sits at its end and is repeated to the left."""
    if len(piece) >= N_FRAMES:
        return piece[:N_FRAMES]
    return np.tile(piece, (-(-N_FRAMES // len(piece)), 1))[-N_FRAMES:]


POWER_FLOOR_DB = np.float32(10 * np.log10(POWER_FLOOR))
_BINS = np.linspace(0, SAMPLE_RATE / 2, mel_filters().shape[1])
_CENTRES = np.clip(
    (mel_filters() @ _BINS) / mel_filters().sum(axis=1), MEL_LOW_HZ, MEL_HIGH_HZ
).astype(np.float32)
"""(64,) Hz."""
_LINES = np.maximum(1.0, (mel_filters() > 0).sum(axis=1) / 2).astype(np.float32)
"""(64,) independent spectral lines in a band: a Hann window joins about two."""
