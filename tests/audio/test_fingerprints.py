"""Copies resemble their source, others do not."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.signal import lfilter

from respllm.audio.fingerprints import fingerprint, nearest, resemblance, waveform_match


def rough(seed: int, seconds: float = 4.0) -> np.ndarray:
    samples = np.random.default_rng(seed).standard_normal(round(16_000 * seconds))
    return (0.05 * lfilter([1], [1, -0.9], samples)).astype(np.float32)


def test_a_fingerprint_has_norm_1_and_knows_no_level() -> None:
    found = fingerprint(rough(0))
    assert found.shape == (256, 16)
    assert np.linalg.norm(found) == pytest.approx(1, abs=1e-5)
    assert np.abs(fingerprint(0.1 * rough(0)) - found).max() < 1e-4
    assert not fingerprint(np.zeros(16_000, np.float32)).any()
    assert np.isfinite(fingerprint(np.ones(5, np.float32))).all()


def test_the_source_is_the_nearest_whatever_the_shift() -> None:
    known = np.stack([fingerprint(rough(seed)) for seed in range(20)])
    for shift in (0, 100, 3000, 7000):
        found = fingerprint(rough(7)[shift:])[None]
        assert nearest(found, known, 3)[0][0][0] == 7
        others = np.delete(resemblance(found, known)[0], 7)
        assert resemblance(found, known)[0, 7] > 0.6 > 0.4 > others.max()
    assert len(nearest(known, known[:2], 3)[0]) == 2
    assert len(nearest(known, known, 3, block=6)) == 20


def test_waveforms_are_laid_over_each_other() -> None:
    one = rough(0)
    assert waveform_match(one, one) == pytest.approx(1)
    assert waveform_match(one, -0.3 * one) == pytest.approx(1)
    assert waveform_match(one, one[5000:]) > 0.9
    assert waveform_match(one[5000:], one) == pytest.approx(waveform_match(one, one[5000:]))
    assert waveform_match(one, rough(1)) < 0.2
    assert waveform_match(one, np.zeros(16_000, np.float32)) == 0
    # A direct computation, without frequencies outside the band.
    a, b = rough(2, 0.5), rough(3, 0.5)
    spectra = [np.fft.rfft(x, 16_384) for x in (a, b)]
    hz = np.fft.rfftfreq(16_384, 1 / 16_000)
    a, b = (np.fft.irfft(s * ((hz >= 100) & (hz <= 1700)), 16_384) for s in spectra)
    direct = [abs(float(np.roll(b, k) @ a)) for k in range(-4000, 4001, 1)]
    expected = max(direct) / np.sqrt((a @ a) * (b @ b))
    assert waveform_match(rough(2, 0.5), rough(3, 0.5)) == pytest.approx(expected, rel=0.05)


def test_a_short_overlap_is_no_match() -> None:
    """The same click at the end of one and at the beginning of another recording."""
    quiet = 1e-4 * rough(0)
    first, second = quiet.copy(), (1e-4 * rough(1)).astype(np.float32)
    click = rough(2, 0.1)
    first[-1600:] += click
    second[:1600] += click
    assert waveform_match(first, second) < 0.5
