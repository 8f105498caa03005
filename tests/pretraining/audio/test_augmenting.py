from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respllm.audio import log_mels, trim_silence
from respllm.pretraining.audio import planting
from respllm.pretraining.audio.augmenting import hide_stripes, make_view
from respllm.pretraining.audio.planting import KINDS, Bank
from respllm.pretraining.audio.settings import Augmentation
from respllm.pretraining.audio.spectrograms import mel_levels
from tests.audio.sounds import noise
from tests.pretraining.audio.making import levels, plain_view

NOTHING = Augmentation(
    band_limits=0,
    response_db=0,
    noise=0,
    reverberation=0,
    stretch=1,
    gain_db=0,
    shortest_seconds=8.18,
)


@pytest.fixture(scope="module")
def bank() -> Bank:
    return planting.bank(0)


def test_an_unchanged_view_is_what_the_front_end_gives() -> None:
    waveform = np.cumsum(noise(8.18, seed=1)) + noise(8.18)  # as uneven as a real spectrum
    expected = log_mels(waveform, [0])[0]
    found = plain_view(mel_levels(trim_silence(waveform)))
    assert np.abs(found - expected).max() < 2e-3  # half precision


def test_without_changes_a_view_is_the_recording() -> None:
    whole = levels(256)
    view = make_view(whole, NOTHING, None, (), np.random.default_rng(0))
    assert np.abs(view.mel - plain_view(whole)).max() < 2e-3


@settings(deadline=None, max_examples=25)
@given(frames=st.integers(1, 600), seed=st.integers(0, 2**32 - 1))
def test_any_recording_gives_a_log_mel(bank: Bank, frames: int, seed: int) -> None:
    view = make_view(levels(frames), Augmentation(), bank, KINDS, np.random.default_rng(seed))
    assert view.mel.shape == (256, 64)
    assert view.mel.dtype == np.float32
    assert view.mel.min() >= 0
    assert view.mel.max() <= 1
    assert view.told.shape == (256, 2)


def test_what_a_device_cuts_off_is_gone() -> None:
    settings_ = NOTHING.model_copy(update={"band_limits": 1.0})
    whole = levels(256)
    plain = plain_view(whole)
    views = [
        make_view(whole, settings_, None, (), np.random.default_rng(seed)).mel for seed in range(8)
    ]
    assert sum(view[:, 60:].mean() < 0.5 * plain[:, 60:].mean() for view in views) >= 4


def test_a_short_recording_is_repeated_like_in_the_front_end() -> None:
    view = make_view(levels(100), NOTHING, None, (), np.random.default_rng(0))
    assert np.array_equal(view.mel[56:156], view.mel[156:256])


def test_silence_stays_silence() -> None:
    silent = np.full((300, 64), -100, np.float16)
    assert not make_view(silent, NOTHING, None, (), np.random.default_rng(0)).mel.any()


@pytest.mark.parametrize("kind", [0, 1])
def test_planted_sounds_can_be_seen_where_they_are_told(bank: Bank, kind: int) -> None:
    whole = levels(256)
    plain = plain_view(whole)
    told, inside, outside = 0, [], []
    for seed in range(10):
        view = make_view(whole, NOTHING, bank, (KINDS[kind],), np.random.default_rng(seed))
        frames = view.told[:, kind]
        assert not view.told[:, 1 - kind].any()
        told += int(frames.any())
        excess = (view.mel - plain).max(axis=1)
        if frames.any() and not frames.all():
            inside.append(excess[frames].mean())
            outside.append(excess[~frames].mean())
    assert told == 10
    assert np.mean(inside) > np.mean(outside) + 0.05


@pytest.mark.parametrize("kind", KINDS[2:])
def test_distractions_are_not_told(bank: Bank, kind: str) -> None:
    view = make_view(levels(256), NOTHING, bank, (kind,), np.random.default_rng(0))
    assert not view.told.any()


def test_stripes_hide_a_part() -> None:
    mel = np.random.default_rng(0).random((256, 64), np.float32)
    found = hide_stripes(mel, np.random.default_rng(1))
    changed = found != mel
    assert 0 < changed.mean() < 0.6
    assert np.allclose(found[changed], mel.mean())
