"""The spectrogram that is drawn is what the model hears."""

from __future__ import annotations

import base64

import numpy as np

from respllm.audio import log_mel
from respllm.audio.frontend import WINDOW_SAMPLES
from respllm.server.listening import MAX_FRAMES, WAVEFORM_POINTS, describe_recording


def noise(n: int) -> np.ndarray:
    swell = 1 + np.sin(np.arange(n) / 9000)
    return (0.05 * swell * np.random.default_rng(0).standard_normal(n)).astype(np.float32)


def test_one_window_is_drawn_as_the_models_log_mel() -> None:
    waveform = noise(WINDOW_SAMPLES)
    drawn = describe_recording(waveform, 1).spectrogram
    values = np.frombuffer(base64.b64decode(drawn.values), np.uint8).reshape(-1, drawn.bands)
    assert np.abs(values - 255 * log_mel(waveform)).max() <= 0.51, "rounding"


def test_a_long_recording_is_drawn_in_as_many_points() -> None:
    found = describe_recording(noise(16_000 * 300), 10)
    assert found.spectrogram.frames <= MAX_FRAMES
    assert found.spectrogram.seconds == 300
    assert len(found.waveform.low) == WAVEFORM_POINTS
    assert max(found.waveform.high) > 0 > min(found.waveform.low)


def test_a_few_samples_are_drawn_and_called_too_short() -> None:
    found = describe_recording(noise(100), 1)
    assert not found.usable
    assert found.reason is not None
    assert "too short" in found.reason
    assert len(found.waveform.low) == 100
