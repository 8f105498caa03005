"""Is one recording a copy of another, whatever was done to its format, level and beginning?

Two steps. A fingerprint, the fine structure of the spectrogram, finds for each recording the few
that resemble it most; it is cheap, so all pairs are compared. Then the waveforms of those few
pairs are laid over each other. Each alone can err: coughs are alike in shape, but not in waveform;
two long wheezes of one pitch are alike in waveform, but not in fine structure.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
from scipy.ndimage import uniform_filter1d

from respllm.audio.frontend import trim_silence
from respllm.audio.loading import SAMPLE_RATE

LOW_HZ, HIGH_HZ = 100.0, 1700.0
"""What a file of 4 kHz still holds, above rumble and mains hum."""

FFT_SAMPLES = 1024
HOP = 256  # 16 ms
FRAMES, BANDS = 256, 16  # the first 4.1 s; bands of 100 Hz
SLOW_FRAMES = 31  # half a second: what changes more slowly is the shape of a breath or a cough
FLOOR = 1e-5  # of the loudest cell: softer ones are noise of the file format
MAX_SHIFT = 32  # frames, 0.5 s
COMPARED_SECONDS = 8.0
MIN_OVERLAP = 0.5  # of the shorter recording


def fingerprint(waveform: np.ndarray) -> np.ndarray:
    """Fine structure of the beginning of a waveform (n,) at 16 kHz: float32 (256, 16), norm 1.

    All zeros for a sound without any. A change of level changes nothing, another sampling rate,
    noise of a file format and a shift of half a second little.

    Raises:
        AudioError: not a mono waveform of finite numbers.
    """
    sound = trim_silence(waveform)[: HOP * (FRAMES - 1) + FFT_SAMPLES]
    sound = np.pad(sound, (0, max(0, FFT_SAMPLES - len(sound))))
    frames = np.lib.stride_tricks.sliding_window_view(sound, FFT_SAMPLES)[::HOP]
    spectrum = np.fft.rfft(frames * np.hanning(FFT_SAMPLES).astype(np.float32), axis=1)
    edges = np.linspace(LOW_HZ, HIGH_HZ, BANDS + 1) * (FFT_SAMPLES / SAMPLE_RATE)
    bins = np.round(edges).astype(int)
    power = np.add.reduceat(np.abs(spectrum[:, : bins[-1]]) ** 2, bins[:-1], axis=1)
    level = np.log(power + FLOOR * max(float(power.max()), 1e-20))
    level -= uniform_filter1d(level, SLOW_FRAMES, axis=0)
    level -= level.mean(axis=1, keepdims=True)
    found = np.zeros((FRAMES, BANDS), np.float32)
    found[: len(level)] = level
    norm = float(np.linalg.norm(found))
    return found / norm if norm > 1e-3 else np.zeros_like(found)


def resemblance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Largest correlation of fingerprints over shifts of up to half a second.

    Args:
        first: (n, 256, 16).
        second: (m, 256, 16).

    Returns:
        float32 (n, m); 1 for the same sound. It takes n x m x 0.5 million operations.
    """
    best = np.zeros((len(first), len(second)), np.float32)
    for shift in range(-MAX_SHIFT, MAX_SHIFT + 1):
        early = first[:, max(0, shift) : FRAMES + min(0, shift)]
        late = second[:, max(0, -shift) : FRAMES + min(0, -shift)]
        early, late = (x.reshape(len(x), (FRAMES - abs(shift)) * BANDS) for x in (early, late))
        np.maximum(best, early @ late.T, out=best)
    return best


def waveform_match(first: np.ndarray, second: np.ndarray) -> float:
    """Largest correlation of two waveforms (n,), (m,) at 16 kHz over all shifts, 100 to 1700 Hz.

    Of the first 8 s. The sign does not matter: a recorder may invert it. Overlaps shorter than
    half of the shorter recording do not count.

    Returns:
        0 to 1; 0 where one has no sound in these frequencies.
    """
    limit = round(COMPARED_SECONDS * SAMPLE_RATE)
    first, second = first[:limit], second[:limit]
    length = scipy.fft.next_fast_len(len(first) + len(second), real=True)
    frequency = scipy.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    band = (frequency >= LOW_HZ) & (frequency <= HIGH_HZ)
    spectra = [scipy.fft.rfft(x.astype(np.float64), length) * band for x in (first, second)]
    energy = [float((np.abs(x) ** 2).sum()) for x in spectra]
    if min(energy) <= 0:
        return 0.0
    product = spectra[0] * np.conj(spectra[1])
    overlap = np.abs(scipy.fft.irfft(product, length)) * length / 2
    shift = np.arange(length)
    shift = np.where(shift < len(first), shift, shift - length)
    shared = np.minimum(len(first), len(second) + shift) - np.maximum(0, shift)
    enough = shared >= MIN_OVERLAP * min(len(first), len(second))
    return float(overlap[enough].max() / np.sqrt(energy[0] * energy[1]))


def nearest(
    wanted: np.ndarray, among: np.ndarray, count: int, block: int = 256
) -> list[list[tuple[int, float]]]:
    """For each fingerprint of `wanted` (n, 256, 16), those of `among` that resemble it most.

    Returns:
        n lists of at most `count` pairs (row of `among`, resemblance), the most alike first.
    """
    found = []
    for start in range(0, len(wanted), block):
        likeness = resemblance(wanted[start : start + block], among)
        order = np.argsort(-likeness, axis=1, kind="stable")[:, :count]
        best = np.take_along_axis(likeness, order, axis=1)
        found += [
            list(zip(rows, values, strict=True))
            for rows, values in zip(order.tolist(), best.tolist(), strict=True)
        ]
    return found
