"""Recordings synthesised from the four signs, at 16 kHz and before any device.

Breathing is shaped noise with an inspiration and an expiration per cycle; a cough is a burst of
noise that decays. Each sign moves one thing that can be heard, by a fixed step per standard
deviation: brightness the slope of the spectrum, crackles the number of damped clicks per second,
prolongation how long an expiration or a cough's tail lasts, wheeze the level of drifting
harmonics above the noise around them. Everything else (cycle length, spacing, pitch, phases) is
drawn alike for everybody.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import scipy.fft

from respllm.simulation.questions import SoundKind

RATE = 16_000
PIVOT_HZ = 500.0

# What a sign of 0 sounds like, and the step per standard deviation.
SLOPE_DB_PER_OCTAVE: dict[SoundKind, float] = {"breath": -6.0, "cough": -5.0, "lung": -9.0}
BRIGHTNESS_STEP = 1.0  # dB per octave
CRACKLES_PER_SECOND, CRACKLES_STEP = 5.5, 1.8
EXPIRATION_SECONDS, EXPIRATION_STEP = 0.72, 0.20
COUGH_DECAY_SECONDS, COUGH_DECAY_STEP = 0.34, 0.07  # to fall by 60 dB
WHEEZE_DB, WHEEZE_STEP = 13.0, 4.0
# Height of a click, in the RMS of a sustained breath's noise.
CLICK_PEAK: dict[SoundKind, float] = {"breath": 12.0, "cough": 8.0, "lung": 12.0}

MEAN_SECONDS = 6.1  # of a recording, to foresee the disk space

INSPIRATION_SECONDS = 0.6
WHEEZE_PARTIALS_DB = (0.0, -3.0, -6.0)
# A wheeze is compared with the noise in a band as wide as a mel band of the front-end.
BAND_HZ = 60.0
# An annotator notes crackles or wheezes in a cycle from these levels on.
NOTED_CRACKLES_PER_SECOND = 7.0
NOTED_WHEEZE_DB = 17.0


@dataclass(frozen=True, slots=True)
class Cycle:
    """One breathing cycle, or one cough with the pause after it; seconds."""

    start: float
    stop: float
    crackle: bool
    wheeze: bool


@dataclass(frozen=True, slots=True)
class Sound:
    """A synthesised recording.

    Attributes:
        waveform: (n,) float64 at 16 kHz; the noise of a sustained breath has an RMS of 1.
        cycles: its breathing cycles or coughs, in time order, without gaps.
    """

    waveform: np.ndarray
    cycles: tuple[Cycle, ...]


def synthesise(kind: SoundKind, signs: np.ndarray, rng: np.random.Generator) -> Sound:
    """One recording of 4.2 to 7.8 s with these signs (4,)."""
    brightness, crackles, prolongation, wheeze = (float(sign) for sign in signs)
    shape = _cough_envelope if kind == "cough" else _breath_envelope
    envelope, edges, blows = shape(prolongation, rng)
    n = len(envelope)
    slope = SLOPE_DB_PER_OCTAVE[kind] + BRIGHTNESS_STEP * brightness
    noise, density = _shaped_noise(n, slope, rng)
    wheeze_db = WHEEZE_DB + WHEEZE_STEP * wheeze
    waveform = noise * envelope
    for start, stop in blows:
        tone = _wheeze(stop - start, wheeze_db, slope, density, rng)
        waveform[start:stop] += tone * envelope[start:stop]
    rate = max(0.0, CRACKLES_PER_SECOND + CRACKLES_STEP * crackles)
    clicks = _click_times(n, rate, rng)
    _add_clicks(waveform, clicks, kind, rng)
    return Sound(waveform, _annotate(edges, clicks, wheeze_db))


def _breath_envelope(
    prolongation: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int]]]:
    """Amplitude over time; edges of the cycles; where air is breathed out (samples)."""
    cycles = int(rng.integers(2, 4))
    length = rng.integers(24, 26, endpoint=True) / 10
    expiration = EXPIRATION_SECONDS + EXPIRATION_STEP * prolongation
    expiration = float(np.clip(expiration, 0.1, length - INSPIRATION_SECONDS - 0.15))
    edges = np.arange(cycles + 1) * round(length * RATE)
    envelope = np.zeros(edges[-1])
    blows = []
    for edge in edges[:-1].tolist():
        start = edge + int(0.05 * RATE)
        stop = start + int(INSPIRATION_SECONDS * RATE)
        envelope[start:stop] = 0.8 * _smooth(stop - start)
        start = stop + int(0.05 * RATE)
        stop = start + int(expiration * RATE)
        envelope[start:stop] = _smooth(stop - start)
        blows.append((start, stop))
    return envelope, edges, blows


def _cough_envelope(
    prolongation: float, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, list[tuple[int, int]]]:
    """As for a breath; a cough rises within 5 ms and falls exponentially."""
    coughs = int(rng.integers(5, 9))
    length = rng.integers(17, 19, endpoint=True) / 20
    decay = max(0.05, COUGH_DECAY_SECONDS + COUGH_DECAY_STEP * prolongation)
    edges = np.arange(coughs + 1) * round(length * RATE)
    envelope = np.zeros(edges[-1])
    blows = []
    for edge, following in pairwise(edges.tolist()):
        start = edge + int(0.1 * RATE)
        time = np.arange(following - start) / RATE
        rise = np.minimum(time / 0.005, 1.0)
        envelope[start:following] = 3.0 * rise * 10 ** (-3 * np.maximum(time - 0.08, 0) / decay)
        blows.append((start, following))
    return envelope, edges, blows


def _smooth(n: int) -> np.ndarray:
    """A plateau of n samples with rounded ends of 50 ms."""
    edge = np.minimum(np.arange(n), np.arange(n)[::-1]) / (0.05 * RATE)
    return np.sin(np.minimum(edge, 1.0) * np.pi / 2)


def _shaped_noise(n: int, slope: float, rng: np.random.Generator) -> tuple[np.ndarray, float]:
    """Noise of RMS 1, falling by `slope` dB per octave; its power per Hz at the pivot."""
    frequency = np.maximum(scipy.fft.rfftfreq(n, 1 / RATE), 1.0)
    octaves = np.log2(frequency / PIVOT_HZ)
    # Below 150 Hz the slope stops and a high-pass takes over, so that loudness stays put.
    gain = 10 ** (slope * np.maximum(octaves, np.log2(150 / PIVOT_HZ)) / 20)
    gain *= 1 / (1 + (70 / frequency) ** 4)
    power = gain**2
    level = np.sqrt(power.sum())
    spectrum = rng.standard_normal(len(frequency)) + 1j * rng.standard_normal(len(frequency))
    noise = scipy.fft.irfft(spectrum * gain, n)
    noise *= n / (2 * level)
    return noise, n / (power.sum() * RATE)


def _wheeze(
    n: int, level_db: float, slope: float, density: float, rng: np.random.Generator
) -> np.ndarray:
    """Three drifting harmonics, each `level_db` (less its own step) above the noise around it."""
    glide = np.linspace(1.06, 0.94, n) + 0.01 * np.sin(
        2 * np.pi * 4 * np.arange(n) / RATE + rng.uniform(0, 2 * np.pi)
    )
    pitch = rng.uniform(280, 320) * glide
    phase = 2 * np.pi * np.cumsum(pitch) / RATE
    tone = np.zeros(n)
    for partial, step_db in enumerate(WHEEZE_PARTIALS_DB, start=1):
        octaves = np.log2(partial * 300 / PIVOT_HZ)
        noise_power = density * 10 ** (slope * octaves / 10) * BAND_HZ
        amplitude = np.sqrt(2 * noise_power) * 10 ** ((level_db + step_db) / 20)
        tone += amplitude * np.sin(partial * phase + rng.uniform(0, 2 * np.pi))
    return tone


def _click_times(n: int, rate: float, rng: np.random.Generator) -> np.ndarray:
    """Samples at which clicks start: one in each of round(rate x seconds) equal stretches."""
    count = round(rate * n / RATE)
    return ((np.arange(count) + rng.uniform(0.2, 0.8, count)) * n / max(count, 1)).astype(int)


def _add_clicks(
    waveform: np.ndarray, clicks: np.ndarray, kind: SoundKind, rng: np.random.Generator
) -> None:
    """Add damped clicks in place: broad in frequency, a few milliseconds long."""
    # A chest wall lets only low clicks through.
    low, high, damping = (700, 1200, 0.001) if kind == "lung" else (1500, 2500, 0.0004)
    time = np.arange(int(8 * damping * RATE)) / RATE
    for start in clicks:
        pitch = rng.uniform(low, high)
        click = CLICK_PEAK[kind] * np.sin(2 * np.pi * pitch * time) * np.exp(-time / damping)
        stop = min(start + len(time), len(waveform))
        waveform[start:stop] += click[: stop - start]


def _annotate(edges: np.ndarray, clicks: np.ndarray, wheeze_db: float) -> tuple[Cycle, ...]:
    cycles = []
    for start, stop in pairwise(edges):
        seconds = (stop - start) / RATE
        count = int(((clicks >= start) & (clicks < stop)).sum())
        cycles.append(
            Cycle(
                start / RATE,
                stop / RATE,
                crackle=count / seconds >= NOTED_CRACKLES_PER_SECOND,
                wheeze=wheeze_db >= NOTED_WHEEZE_DB,
            )
        )
    return tuple(cycles)
