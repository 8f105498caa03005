from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from respllm.audio import check_usable, load_audio, measure, warnings
from respllm.errors import AudioError
from tests.audio.sounds import noise, tone


@pytest.mark.parametrize(
    "waveform",
    [
        np.zeros(16_000, np.float32),
        np.full(16_000, 0.5, np.float32),  # an offset, no sound
        noise(2) * np.float32(1e-4),
        np.eye(1, 64_000, 5, dtype=np.float32)[0] * np.float32(0.004),  # a click at switch-on
    ],
)
def test_silence_is_refused(waveform: np.ndarray) -> None:
    with pytest.raises(AudioError, match="silent"):
        check_usable(waveform)


def test_a_moment_is_refused() -> None:
    with pytest.raises(AudioError, match=r"too short: 0\.050 s"):
        check_usable(noise(0.05))


def test_a_good_recording_passes_without_warnings() -> None:
    quality = check_usable(noise(3))
    assert quality.seconds == 3
    assert warnings(quality) == ()


def test_each_warning() -> None:
    assert "clipped" in warnings(measure(np.clip(noise(2) * 30, -1, 1)))[0]
    assert "short: 0.50 s" in warnings(measure(noise(0.5)))[0]
    assert "quiet" in warnings(measure(noise(2) * np.float32(0.005)))[0]
    mostly_silent = np.concatenate([np.zeros(80_000, np.float32), tone(0.5)])
    assert "offset: the mean is 0.300" in warnings(measure(noise(2) + np.float32(0.3)))[0]
    assert "mostly silent" in warnings(measure(mostly_silent))[0]


def test_the_silent_recordings_of_coswara_are_refused_and_no_other(shared_data: Path) -> None:
    folder = shared_data / "coswara"
    listed = {row.split("\t")[0] for row in (folder / "SILENT.txt").read_text().splitlines()}
    refused = set()
    for path in sorted((folder / "Extracted_data").rglob("*.flac")):
        try:
            check_usable(load_audio(path))
        except AudioError:
            refused.add(str(path.relative_to(folder)))
    assert {name for name in listed if name.endswith(".flac")} <= refused
    assert len(refused - listed) == 3  # the collection's notes name three that are almost silent
