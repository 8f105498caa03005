from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from respllm.audio import log_mel
from respllm.audio.conditions import (
    Conditions,
    as_log_mel,
    elsewhere,
    heard_elsewhere,
    stretched,
)
from respllm.audio.frontend import mel_levels, windows
from tests.audio.sounds import noise, tone

NOTHING = Conditions(band_limits=0, response_db=0, noise=0, reverberation=0, stretch=1, gain_db=0)


def window(seconds: float = 9, seed: int = 0) -> np.ndarray:
    (samples,) = windows(np.cumsum(noise(seconds, seed)), [0])
    return samples


def test_without_a_change_it_is_the_front_ends_log_mel() -> None:
    samples = window()
    found = as_log_mel(mel_levels(samples))
    assert np.array_equal(found, log_mel(samples))


def test_the_same_place_and_device_change_nothing() -> None:
    levels = mel_levels(window())
    found = elsewhere(levels, NOTHING, np.random.default_rng(0))
    assert np.abs(found - levels).max() < 1e-3


def test_a_view_follows_from_its_seed() -> None:
    samples = window()
    first, again, other = (heard_elsewhere(samples, [1, 0, view]) for view in (1, 1, 2))
    assert np.array_equal(first, again)
    assert np.abs(first - other).mean() > 0.02


@settings(deadline=None, max_examples=25)
@given(seconds=st.floats(0.05, 12), seed=st.integers(0, 2**63))
def test_any_window_gives_a_log_mel(seconds: float, seed: int) -> None:
    (samples,) = windows(noise(seconds), [0])
    found = heard_elsewhere(samples, [seed])
    assert found.shape == (256, 64)
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.max() <= 1


def test_silence_stays_silence() -> None:
    assert not as_log_mel(np.full((300, 64), -100, np.float32)).any()


def test_noise_stays_below_the_sound() -> None:
    """A loud tone of one band stands out in every view, whatever is added."""
    (samples,) = windows(tone(8.18, hertz=500), [0])
    band = log_mel(samples)[128:].mean(axis=0).argmax()
    only_noise = Conditions(
        band_limits=0, response_db=0, noise=1, noise_db=10, reverberation=0, stretch=1, gain_db=0
    )
    levels = mel_levels(samples)
    for seed in range(10):
        found = as_log_mel(elsewhere(levels, only_noise, np.random.default_rng(seed)))
        assert found[128:256].mean(axis=0).argmax() == band


def test_a_device_that_cuts_off_leaves_less() -> None:
    levels = mel_levels(window())
    cuts = NOTHING.model_copy(update={"band_limits": 1.0})
    lost = [
        (levels - elsewhere(levels, cuts, np.random.default_rng(seed))).mean(axis=0)
        for seed in range(10)
    ]
    assert sum(one[60:].mean() > 6 for one in lost) >= 4
    assert all(one[10:13].mean() < 6 for one in lost)  # 500 Hz: below every high cut


def test_tempo() -> None:
    levels = np.arange(100, dtype=np.float32)[:, None].repeat(64, axis=1)
    half = stretched(levels, 10, 50, 99)
    assert half[0, 0] == 10
    assert half[-1, 0] == 59
    assert np.allclose(np.diff(half[:, 0]), 0.5)
