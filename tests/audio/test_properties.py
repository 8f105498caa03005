"""Properties are those of the file, not of the sound in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from scipy.signal import butter, lfilter, sosfilt

from respllm.audio.properties import band_limit, recording_properties
from respllm.errors import AudioError
from tests.audio.sounds import noise, write


def test_what_a_file_says(tmp_path: Path) -> None:
    samples = 0.1 * np.sin(2 * np.pi * 440 * np.arange(88_200) / 44_100)
    path = tmp_path / "tone.wav"
    soundfile.write(path, np.stack([samples, samples], axis=1), 44_100)
    found = recording_properties(path)
    assert (found.sample_rate, found.channels) == (44_100, 2)
    assert found.seconds == pytest.approx(2, abs=1e-3)
    assert found.loudness_dbfs == pytest.approx(20 * np.log10(0.1 / np.sqrt(2)), abs=0.05)
    assert found.clipped_fraction == 0
    assert recording_properties(path, 0.5, 1.5).seconds == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize(("rate", "limit"), [(4_000, 1750), (8_000, 3750), (11_025, 5250)])
@pytest.mark.parametrize("slope", [0.0, 0.95])
@pytest.mark.parametrize("stored", ["as it is", "16 kHz", "44.1 kHz"])
def test_the_band_limit_is_that_of_the_first_file(
    rate: int, limit: int, slope: float, stored: str, tmp_path: Path
) -> None:
    """Whatever the sound's own slope, and also after it was stored at a higher rate."""
    sound = lfilter([1], [1, -slope], noise(4))
    sound = soxr.resample(0.1 * sound / sound.std(), 16_000, rate)
    if stored != "as it is":
        higher = 16_000 if stored == "16 kHz" else 44_100
        sound, rate = soxr.resample(sound, rate, higher), higher
    found = recording_properties(write(tmp_path / "a.wav", sound, rate)).bandwidth_hz
    assert found == pytest.approx(limit, abs=250)


@pytest.mark.parametrize("cutoff", [300, 900, 2000])
def test_a_steep_sound_is_not_a_band_limit(cutoff: int) -> None:
    """24 dB per octave and 16-bit noise: 80 dB below the peak long before the end of the band."""
    sound = sosfilt(butter(4, cutoff, fs=16_000, output="sos"), noise(4))
    sound = np.round(sound * 0.1 / sound.std() * 32767) / 32768
    assert band_limit(sound.astype(np.float32)) == 8000


def test_loudness_does_not_move_the_band_limit() -> None:
    sound = soxr.resample(soxr.resample(noise(4), 16_000, 8_000), 8_000, 16_000)
    found = {band_limit((gain * sound).astype(np.float32)) for gain in (3, 1, 0.1, 0.01)}
    assert len(found) == 1


def test_noise_floor_and_clipping(tmp_path: Path) -> None:
    sound = 0.001 * np.random.default_rng(0).standard_normal(64_000)
    sound[:16_000] *= 300
    found = recording_properties(write(tmp_path / "a.wav", sound))
    assert found.noise_floor_dbfs == pytest.approx(-60, abs=1)
    loud = np.clip(4 * np.sin(np.arange(16_000) / 10), -1, 1)
    clipped = recording_properties(write(tmp_path / "b.wav", loud)).clipped_fraction
    assert clipped == pytest.approx(float((np.abs(loud) >= 0.99).mean()), abs=0.01)


def test_short_and_silent_files_have_properties(tmp_path: Path) -> None:
    short = recording_properties(write(tmp_path / "short.wav", noise(1)[:40]))
    assert (short.bandwidth_hz, short.seconds) == (8000, 40 / 16_000)
    silent = recording_properties(write(tmp_path / "silent.wav", np.zeros(16_000)))
    assert (silent.loudness_dbfs, silent.noise_floor_dbfs) == (-200, -200)
    assert silent.bandwidth_hz == 8000


def test_what_cannot_be_decoded_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "bad.wav").write_bytes(b"noise")
    for path in (tmp_path / "bad.wav", tmp_path / "missing.wav"):
        with pytest.raises(AudioError, match=r"cannot be (decoded|opened)"):
            recording_properties(path)
