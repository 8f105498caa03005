"""Synthetic crackles and wheezes as mel powers, to be added to other sounds.

A crackle is a damped oscillation of 3 to 25 ms, a wheeze a tone of at least 0.1 s that drifts and
may have harmonics (Bohadana, Izbicki and Kraman 2014, NEJM 370:744). Beside them stand sounds that
are neither: a steady hum, low thumps such as heart sounds, and handling noise. Nothing here was
measured on a patient.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from respllm.audio.frontend import N_FRAMES, N_MELS, WINDOW_SAMPLES
from respllm.pretraining.audio.spectrograms import mel_levels
from respllm.simulation.sounds import RATE

PlantedKind = Literal["crackles", "wheeze", "hum", "thumps", "handling"]
KINDS: tuple[PlantedKind, ...] = ("crackles", "wheeze", "hum", "thumps", "handling")
TOLD = 2
"""The first two kinds are to be told; the others only distract."""
OF_EACH = 60
VISIBLE = 2.0
"""A planted sound counts where its power is at least this many times that around it."""
LOUDEST_DB = (12.0, 35.0)
"""How far the loudest cell of a planted sound lies above what is there."""

QUIET = 1e-3
"""Of the mean power: what counts as silence around a planted sound."""


@dataclass(frozen=True, slots=True)
class Planted:
    """A mel power spectrogram with something planted.

    Attributes:
        power: (frames, 64).
        told: bool (frames, 2): where a crackle, a wheeze can be seen.
    """

    power: np.ndarray
    told: np.ndarray


class Bank:
    """`OF_EACH` synthetic sounds of each kind as mel powers, (256, 64) each; drawn from a seed."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng([seed, 7])
        self._sounds = {
            kind: [_power(_MAKERS[kind](rng)) for _ in range(OF_EACH)] for kind in KINDS
        }

    def plant(
        self, power: np.ndarray, kinds: tuple[PlantedKind, ...], rng: np.random.Generator
    ) -> Planted:
        """Add one sound of each kind to mel powers (frames, 64), at most 256 frames.

        Its loudest cell comes to lie `LOUDEST_DB` above what is there.
        """
        told = np.zeros((len(power), TOLD), bool)
        total = power
        # Bands that the device cut off hold next to nothing: to lie above that is no loudness.
        floor = np.maximum(power, QUIET * power.mean() + 1e-10)
        for kind in kinds:
            sound = self._sounds[kind][int(rng.integers(OF_EACH))]
            start = int(rng.integers(N_FRAMES))
            sound = np.roll(sound, start, axis=0)[: len(power)]
            ratio = sound / floor
            loudest = ratio.max()
            if loudest <= 0:
                continue
            gain = 10 ** (rng.uniform(*LOUDEST_DB) / 10) / loudest
            total = total + gain * sound
            if KINDS.index(kind) < TOLD:
                told[:, KINDS.index(kind)] = (gain * ratio).max(axis=1) > VISIBLE
        return Planted(total, told)


@cache
def bank(seed: int) -> Bank:
    """The bank of a seed, made once a process: it takes seconds."""
    return Bank(seed)


def draw_kinds(rng: np.random.Generator) -> tuple[PlantedKind, ...]:
    """Which kinds are planted into both views of a recording."""
    shares = {"crackles": 0.35, "wheeze": 0.35, "hum": 0.12, "thumps": 0.15, "handling": 0.12}
    return tuple(kind for kind in KINDS if rng.random() < shares[kind])


def _power(waveform: np.ndarray) -> np.ndarray:
    levels = mel_levels(waveform.astype(np.float32))[:N_FRAMES].astype(np.float32)
    power = 10 ** (levels / 10)
    # What lies 40 dB below the loudest is the spread of the window, and no sound.
    power[power < 1e-4 * power.max()] = 0
    assert power.shape == (N_FRAMES, N_MELS)
    return power


def _crackles(rng: np.random.Generator) -> np.ndarray:
    """Bursts of damped clicks, in a part of each breath."""
    found = np.zeros(WINDOW_SAMPLES)
    coarse = rng.random() < 0.5
    damping = rng.uniform(0.003, 0.008) if coarse else rng.uniform(0.0008, 0.003)
    low, high = (150, 500) if coarse else (400, 1200)
    rate = rng.uniform(4, 12) if coarse else rng.uniform(8, 40)
    centre = rng.uniform(low, high)
    for start, stop in _bursts(rng, 0.2, 1.2):
        count = max(1, rng.poisson(rate * (stop - start)))
        for at in rng.uniform(start, stop, count):
            pitch = centre * rng.uniform(0.7, 1.4)
            time = np.arange(int(8 * damping * RATE)) / RATE
            click = np.sin(2 * np.pi * pitch * time) * np.exp(-time / damping)
            begin = int(at * RATE)
            piece = found[begin : begin + len(click)]
            piece += rng.uniform(0.3, 1) * click[: len(piece)]
    return found


def _wheeze(rng: np.random.Generator) -> np.ndarray:
    """Drifting tones with some harmonics, in a part of each breath; low ones are rhonchi."""
    found = np.zeros(WINDOW_SAMPLES)
    pitch = np.exp(rng.uniform(np.log(90), np.log(1000)))
    harmonics = int(rng.integers(1, 4))
    fall = rng.uniform(0.15, 0.7)
    drift = rng.uniform(-0.25, 0.25)
    for start, stop in _bursts(rng, 0.15, 1.8):
        begin, end = int(start * RATE), min(int(stop * RATE), len(found))
        time = np.linspace(0, 1, max(end - begin, 1))
        wobble = rng.uniform(0, 0.02) * np.sin(2 * np.pi * rng.uniform(2, 6) * time)
        own = pitch * rng.uniform(0.92, 1.08) * (1 + drift * (time - 0.5) + wobble)
        phase = 2 * np.pi * np.cumsum(own) / RATE
        envelope = np.sin(np.pi * time) ** rng.uniform(0.3, 1)
        for partial in range(1, harmonics + 1):
            level = fall ** (partial - 1)
            found[begin:end] += level * envelope * np.sin(partial * phase)
    return found


def _hum(rng: np.random.Generator) -> np.ndarray:
    """A tone that never changes, from mains or electronics."""
    time = np.arange(WINDOW_SAMPLES) / RATE
    pitch = rng.choice([50, 60, 100, 120, 150, *rng.uniform(200, 3000, 3)])
    return sum(0.5**n * np.sin(2 * np.pi * pitch * (n + 1) * time) for n in range(3))


def _thumps(rng: np.random.Generator) -> np.ndarray:
    """Pairs of low beats at the rate of a heart."""
    found = np.zeros(WINDOW_SAMPLES)
    time = np.arange(int(0.1 * RATE)) / RATE
    pitch = rng.uniform(40, 120)
    beat = np.sin(2 * np.pi * pitch * time) * np.sin(np.pi * time / time[-1]) ** 2
    at = rng.uniform(0, 0.5)
    period = 60 / rng.uniform(55, 110)
    while at < WINDOW_SAMPLES / RATE:
        for shift, level in ((0, 1.0), (0.32 * period, 0.7)):
            begin = int((at + shift) * RATE)
            piece = found[begin : begin + len(beat)]
            piece += level * beat[: len(piece)]
        at += period * rng.uniform(0.95, 1.05)
    return found


def _handling(rng: np.random.Generator) -> np.ndarray:
    """A few rubs of 0.05 to 0.6 s: bursts of noise with a slope of their own."""
    found = np.zeros(WINDOW_SAMPLES)
    for start, stop in _bursts(rng, 0.05, 0.6):
        begin, end = int(start * RATE), min(int(stop * RATE), len(found))
        if end <= begin + 1:
            continue
        spectrum = np.fft.rfft(rng.standard_normal(end - begin))
        hertz = np.maximum(np.fft.rfftfreq(end - begin, 1 / RATE), 30)
        spectrum *= (hertz / 300) ** rng.uniform(-2, 0.3)
        noise = np.fft.irfft(spectrum, end - begin)
        found[begin:end] += noise * np.hanning(end - begin) / max(np.abs(noise).max(), 1e-9)
    return found


def _bursts(rng: np.random.Generator, shortest: float, longest: float) -> list[tuple[float, float]]:
    """Seconds: one stretch in most breaths of 1.5 to 4 s."""
    period = rng.uniform(1.5, 4.0)
    place = rng.uniform(0, 0.6) * period
    found = []
    start = place
    while start < WINDOW_SAMPLES / RATE - 0.05:
        if rng.random() < 0.8:
            stop = min(start + rng.uniform(shortest, longest), WINDOW_SAMPLES / RATE)
            found.append((start, stop))
        start += period * rng.uniform(0.85, 1.15)
    return found or [(place, min(place + longest, WINDOW_SAMPLES / RATE))]


_MAKERS: dict[PlantedKind, Callable[[np.random.Generator], np.ndarray]] = {
    "crackles": _crackles,
    "wheeze": _wheeze,
    "hum": _hum,
    "thumps": _thumps,
    "handling": _handling,
}
