"""Fixtures that every test may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from respllm.simulation import simulate_cohort

REPOSITORY = Path(__file__).resolve().parent.parent

# Read when torch is loaded: its threads sleep while they wait, so that tests beside other programs,
# or beside each other, do not burn the cores they wait for.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")


def _shared(name: str) -> Path:
    root = os.environ.get("RESPLLM_SHARED")
    folder = (Path(root) if root else REPOSITORY.parent / "shared") / name
    if not folder.is_dir():
        pytest.skip(f"no shared {name} folder beside the checkout (set RESPLLM_SHARED)")
    return folder


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real recordings in the official layouts; the test is skipped where there are none."""
    return _shared("data")


@pytest.fixture(scope="session")
def shared_parity() -> Path:
    """Numbers computed by the original front-end and encoder; skipped where there are none."""
    return _shared("parity")


@pytest.fixture(scope="session")
def small_cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a simulated cohort of all five datasets, 200 people. Read only."""
    return simulate_cohort(
        tmp_path_factory.mktemp("cohort") / "data", subjects=200, seed=1
    ).directory


@pytest.fixture(scope="session")
def trained_run(small_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run: nano on two simulated tasks, two epochs. Read only."""
    from respllm.config import EncoderConfig, ModelConfig, RunConfig, TaskLists, TrainingConfig
    from respllm.training import train

    config = RunConfig(
        encoder=EncoderConfig(name="mel-patch"),
        model=ModelConfig(llm="nano"),
        name="trained",
        tasks=TaskLists(train=("S7", "S6"), test=("T5",)),
        training=TrainingConfig(epochs=2, batch_size=16, learning_rate=1e-3),
    )
    return train(config, small_cohort, tmp_path_factory.mktemp("trained") / "run").folder


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No test reads or writes the user's cache."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESPLLM_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield
