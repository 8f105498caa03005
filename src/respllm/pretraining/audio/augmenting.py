"""Views of a recording: another stretch of it, as another device in another room would hear it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from respllm.audio.conditions import FRAME_SECONDS, as_log_mel, elsewhere, stretched
from respllm.audio.frontend import N_FRAMES
from respllm.pretraining.audio.settings import Augmentation

STRIPES = 2  # of time and of frequency that are hidden
LONGEST_STRIPE = (24, 8)  # frames, bands


@dataclass(frozen=True, slots=True)
class View:
    """One view of a recording.

    Attributes:
        mel: float32 (256, 64) in [0, 1], as the front-end gives it.
        clean: the same stretch as it was recorded, scaled alike.
    """

    mel: np.ndarray
    clean: np.ndarray


def make_view(levels: np.ndarray, settings: Augmentation, rng: np.random.Generator) -> View:
    """A crop of a recording, changed as a device and a room would, scaled and repeated to 8.18 s.

    Args:
        levels: (frames, 64) of the whole recording, dB.
        settings: how much is changed.
        rng: decides everything.
    """
    crop = _crop(levels, settings, rng)
    return View(as_log_mel(elsewhere(crop, settings, rng)), as_log_mel(crop))


def hide_stripes(mel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A copy with stripes of time and of frequency replaced by the mean (SpecAugment)."""
    found = mel.copy()
    for axis, longest in enumerate(LONGEST_STRIPE):
        for _ in range(STRIPES):
            size = int(rng.integers(longest + 1))
            start = int(rng.integers(mel.shape[axis] - size + 1))
            stripe = slice(start, start + size)
            found[stripe if axis == 0 else (slice(None), stripe)] = mel.mean()
    return found


def _crop(levels: np.ndarray, settings: Augmentation, rng: np.random.Generator) -> np.ndarray:
    """A stretch of the recording of 1.5 to 8.18 s or all of it, faster or slower."""
    tempo = settings.stretch ** rng.uniform(-1, 1)
    shortest = round(settings.shortest_seconds / FRAME_SECONDS)
    wanted = int(rng.integers(shortest, N_FRAMES + 1))
    length = min(len(levels), max(1, round(wanted * tempo)))
    start = int(rng.integers(len(levels) - length + 1))
    return stretched(levels, start, length, min(N_FRAMES, max(1, round(length / tempo))))
