"""A study in miniature: two source tasks and two targets of the small cohort, one epoch."""

from __future__ import annotations

from pathlib import Path

import pytest

from respllm.comparisons import Study
from respllm.config import (
    BaselineSettings,
    EncoderConfig,
    ModelConfig,
    RunConfig,
    TaskLists,
    TrainingConfig,
)

QUICK = TrainingConfig(epochs=1, batch_size=64, learning_rate=1e-3)
RUN = RunConfig(
    encoder=EncoderConfig(name="mel-patch"),
    model=ModelConfig(llm="nano"),
    name="mini",
    tasks=TaskLists(train=("S4", "S6", "S7"), test=("T1", "T6")),
    training=QUICK,
    baselines=BaselineSettings(training=QUICK),
    seed=3,
)


@pytest.fixture(scope="session")
def study(small_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """Shared by the tests of this room, which add to it."""
    return Study(RUN, Path(), small_cohort, tmp_path_factory.mktemp("study") / "mini")
