"""Encoders and clips for the tests of this room."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from respllm.encoders.opera_ct import OperaCT
from respllm.types import Clip, Dms, Record
from tests.audio.sounds import noise, write
from tests.encoders import opera_file


@pytest.fixture(scope="session")
def opera_state() -> dict[str, torch.Tensor]:
    return opera_file.state_dict()


@pytest.fixture(scope="session")
def opera_checkpoint(
    opera_state: dict[str, torch.Tensor], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    return opera_file.write(tmp_path_factory.mktemp("opera") / "encoder-operaCT.ckpt", opera_state)


@pytest.fixture(scope="session")
def opera(opera_checkpoint: Path) -> OperaCT:
    return OperaCT(opera_checkpoint)


def clip_of(path: Path, **stretch: float | None) -> Clip:
    """A clip of a file, whose record is named after it."""
    record = Record(f"test/{path.stem}", "test/someone", "test", "cough", path, Dms())
    return Clip(record, **stretch)  # type: ignore[arg-type]


@pytest.fixture
def recordings(tmp_path: Path) -> list[Path]:
    """Six recordings of one to three seconds."""
    folder = tmp_path / "recordings"
    return [write(folder / f"{i}.wav", noise(1 + i % 3, seed=i)) for i in range(6)]


def mels(count: int) -> torch.Tensor:
    """Numbers where log-mels are expected, (count, 256, 64)."""
    return torch.from_numpy(np.random.default_rng(0).random((count, 256, 64), np.float32))
