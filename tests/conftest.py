"""Fixtures that every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from respllm.simulation import simulate_cohort

REPOSITORY = Path(__file__).resolve().parent.parent


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


@pytest.fixture(autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the user's cache."""
    monkeypatch.setenv("RESPLLM_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
