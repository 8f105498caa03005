from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from respllm.audio import count_windows, log_mel, log_mels, trim_silence, windows
from respllm.audio.frontend import WINDOW_HOP, WINDOW_SAMPLES, mel_filters
from respllm.errors import AudioError
from tests.audio.sounds import noise, tone

CLIPS = ["noise8", "chirp8", "breath3", "silent_edges8"]


@pytest.fixture(scope="module")
def parity(shared_parity: Path) -> dict[str, np.ndarray]:
    return dict(np.load(shared_parity / "opera_ct_parity.npz"))


@pytest.mark.parametrize("clip", CLIPS)
def test_equals_the_published_front_end(clip: str, parity: dict[str, np.ndarray]) -> None:
    waveform = parity[f"wave/{clip}"]
    window = next(windows(waveform))
    head, tail = parity[f"chunk0_head_tail/{clip}"]
    assert np.array_equal(window[:512], head)
    assert np.array_equal(window[-512:], tail)
    assert np.abs(log_mel(waveform) - parity[f"mel/{clip}"][0]).max() < 1e-5


def test_filters_equal_the_published_ones(parity: dict[str, np.ndarray]) -> None:
    assert np.allclose(mel_filters(), parity["melfilter"], atol=1e-8)


def odd_waveform(seed: int, length: int, silent: tuple[float, float]) -> np.ndarray:
    waveform = 0.1 * np.random.default_rng(seed).standard_normal(length)
    waveform[: int(silent[0] * length)] *= 1e-5
    waveform[int(silent[1] * length) :] *= 1e-5
    return waveform.astype(np.float32)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    length=st.one_of(st.integers(1, 2000), st.sampled_from([799, 800, 801, 1600, 2400, 140_000])),
    silent=st.tuples(st.floats(0, 0.6), st.floats(0.4, 1)),
)
def test_trimming_and_mel_equal_librosa(
    seed: int, length: int, silent: tuple[float, float]
) -> None:
    librosa = pytest.importorskip("librosa")
    waveform = odd_waveform(seed, length, silent)
    trimmed, _ = librosa.effects.trim(waveform, frame_length=1600, hop_length=800, top_db=60)
    assert np.array_equal(trim_silence(waveform), trimmed)
    window = next(windows(waveform))
    mel = librosa.feature.melspectrogram(
        y=window,
        sr=16_000,
        n_fft=1024,
        hop_length=512,
        n_mels=64,
        fmin=50,
        fmax=8000,
        pad_mode="constant",
    )
    level = librosa.power_to_db(mel, ref=np.max, top_db=80).T
    spread = level.max() - level.min()
    expected = (level - level.min()) / spread if spread else np.zeros_like(level)
    assert np.abs(log_mel(waveform) - expected).max() < 1e-4


@settings(max_examples=100, deadline=None)
@given(
    arrays(
        np.float32,
        st.integers(1, 3000),
        elements=st.floats(-1e6, 1e6, width=32) | st.sampled_from([0.0, 1e-30, -1.0, 1.0]),
        fill=st.sampled_from([0.0, 0.5, 1e-20]),
    )
)
def test_any_finite_waveform_gives_a_finite_mel(waveform: np.ndarray) -> None:
    mel = log_mel(waveform)
    assert mel.shape == (256, 64)
    assert mel.dtype == np.float32
    assert mel.min() == 0
    assert mel.max() in (0, 1)
    assert np.isfinite(mel).all()


def test_silence_stays_zero() -> None:
    assert not log_mel(np.zeros(16_000, np.float32)).any()


def test_loudness_does_not_matter() -> None:
    assert np.allclose(log_mel(noise(3)), log_mel(100 * noise(3)), atol=1e-5)


def test_silent_ends_are_trimmed() -> None:
    quiet = np.zeros(16_000, np.float32)
    padded = np.concatenate([quiet, noise(2), quiet])
    assert len(trim_silence(padded)) == pytest.approx(32_000, abs=1600)


@given(length=st.integers(1, WINDOW_SAMPLES))
@settings(max_examples=25, deadline=None)
def test_a_short_sound_ends_its_window_and_repeats_to_the_left(length: int) -> None:
    waveform = noise(9)[:length]
    waveform[-1] = 1.0  # so that nothing is trimmed at the end
    sound = trim_silence(waveform)
    (window,) = windows(waveform)
    assert len(window) == WINDOW_SAMPLES
    for i in (0, 1, WINDOW_SAMPLES // 2, WINDOW_SAMPLES - 1):
        assert window[i] == sound[(i - WINDOW_SAMPLES) % len(sound)]


@pytest.mark.parametrize(
    ("length", "count"),
    [
        (1, 1),
        (WINDOW_SAMPLES - 1, 1),
        (WINDOW_SAMPLES, 1),
        (WINDOW_SAMPLES + 1, 2),
        (WINDOW_SAMPLES + WINDOW_HOP - 1, 2),
        (WINDOW_SAMPLES + WINDOW_HOP, 3),
        (20 * 16_000, 4),
    ],
)
def test_long_sounds_give_overlapping_windows(length: int, count: int) -> None:
    waveform = noise(21)[:length]
    assert count_windows(waveform) == count
    found = list(windows(waveform))
    assert len(found) == count
    for index, window in enumerate(found):
        whole = waveform[index * WINDOW_HOP :][:WINDOW_SAMPLES]
        assert np.array_equal(window[-len(whole) :], whole)
    # What completes the last window is the end of the sound itself.
    filled = WINDOW_SAMPLES - len(waveform[(count - 1) * WINDOW_HOP :])
    if count > 1 and filled > 0:
        assert np.array_equal(found[-1][:filled], waveform[-filled:])


def test_windows_by_number() -> None:
    waveform = noise(20)
    together = log_mels(waveform, [2, 0])
    assert np.array_equal(together[0], log_mel(waveform, 2))
    assert np.array_equal(together[1], log_mel(waveform))
    assert not np.array_equal(together[0], together[1])
    assert log_mels(waveform, []).shape == (0, 256, 64)


@pytest.mark.parametrize("window", [-1, 4, 99])
def test_a_window_that_is_not_there_is_an_error(window: int) -> None:
    with pytest.raises(AudioError, match="gives 4"):
        log_mel(noise(20), window)


@pytest.mark.parametrize(
    "waveform",
    [
        np.empty(0, np.float32),
        np.zeros((2, 16_000), np.float32),
        np.float32(1.0),
        np.array([0.0, np.nan], np.float32),
        np.array([0.0, np.inf], np.float32),
        np.array([0.0, 1e30], np.float32),
    ],
)
def test_what_is_no_waveform_is_an_error(waveform: np.ndarray) -> None:
    for use in (log_mel, count_windows, trim_silence):
        with pytest.raises(AudioError, match="Expected"):
            use(waveform)


def test_a_tone_lights_its_own_band() -> None:
    low, high = log_mel(tone(8.0, hertz=200)), log_mel(tone(8.0, hertz=5000))
    assert low.mean(axis=0).argmax() < 12
    assert high.mean(axis=0).argmax() > 40
