"""Small pretrainings for the tests of this room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from respllm.audio.conditions import as_log_mel
from respllm.pretraining.audio import AudioPretraining
from tests.audio.sounds import noise, write


def recordings(root: Path, people: int = 6) -> Path:
    """A folder with one recording of each of some people."""
    for number in range(people):
        write(root / f"person{number}.wav", noise(2 + number % 3, seed=number))
    return root


def settings(**changes: Any) -> AudioPretraining:
    """Two steps on a folder named `sounds`."""
    values: dict[str, Any] = {
        "name": "small",
        "hear": [{"folder": "sounds"}],
        "objectives": {"contrastive": 1, "reconstruction": 1, "description": 1},
        "steps": 2,
        "batch_size": 2,
        "validate_every": 1,
        "validation_share": 0.4,
    }
    return AudioPretraining.model_validate(values | changes)


def levels(frames: int, seed: int = 0) -> np.ndarray:
    """Mel powers of noise in dB, (frames, 64)."""
    rng = np.random.default_rng(seed)
    return (rng.normal(0, 3, (frames, 64)) - 20).astype(np.float16)


def plain_view(levels: np.ndarray) -> np.ndarray:
    """The first window of at least 256 frames, unchanged: float32 (256, 64)."""
    return as_log_mel(levels[:256].astype(np.float32))
