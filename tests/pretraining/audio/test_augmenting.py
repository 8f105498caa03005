from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from respllm.audio import log_mels, trim_silence
from respllm.audio.frontend import mel_levels
from respllm.pretraining.audio.augmenting import hide_stripes, make_view
from respllm.pretraining.audio.settings import Augmentation
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


def test_an_unchanged_view_is_what_the_front_end_gives() -> None:
    waveform = np.cumsum(noise(8.18, seed=1)) + noise(8.18)  # as uneven as a real spectrum
    expected = log_mels(waveform, [0])[0]
    found = plain_view(mel_levels(trim_silence(waveform)))
    assert np.abs(found - expected).max() < 2e-3  # half precision


def test_without_changes_a_view_is_the_recording() -> None:
    whole = levels(256)
    view = make_view(whole, NOTHING, np.random.default_rng(0))
    assert np.abs(view.mel - plain_view(whole)).max() < 2e-3


@settings(deadline=None, max_examples=25)
@given(frames=st.integers(1, 600), seed=st.integers(0, 2**32 - 1))
def test_any_recording_gives_a_log_mel(frames: int, seed: int) -> None:
    view = make_view(levels(frames), Augmentation(), np.random.default_rng(seed))
    assert view.mel.shape == (256, 64)
    assert view.mel.dtype == np.float32
    assert view.mel.min() >= 0
    assert view.mel.max() <= 1
    assert view.clean.shape == (256, 64)


def test_what_a_device_cuts_off_is_gone() -> None:
    settings_ = NOTHING.model_copy(update={"band_limits": 1.0})
    whole = levels(256)
    plain = plain_view(whole)
    views = [make_view(whole, settings_, np.random.default_rng(seed)).mel for seed in range(8)]
    assert sum(view[:, 60:].mean() < 0.5 * plain[:, 60:].mean() for view in views) >= 4


def test_a_short_recording_is_repeated_like_in_the_front_end() -> None:
    view = make_view(levels(100), NOTHING, np.random.default_rng(0))
    assert np.array_equal(view.mel[56:156], view.mel[156:256])


def test_silence_stays_silence() -> None:
    silent = np.full((300, 64), -100, np.float16)
    assert not make_view(silent, NOTHING, np.random.default_rng(0)).mel.any()


def test_stripes_hide_a_part() -> None:
    mel = np.random.default_rng(0).random((256, 64), np.float32)
    found = hide_stripes(mel, np.random.default_rng(1))
    changed = found != mel
    assert 0 < changed.mean() < 0.6
    assert np.allclose(found[changed], mel.mean())
