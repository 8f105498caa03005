"""Somebody is removed from the data while a run that learns from them is being prepared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from respllm.errors import DataError
from respllm.tasks import Learned
from respllm.tasks.removed import Removal, Removed, name_hash
from respllm.training import RunFolder, train
from tests.training.test_train import config_of


def test_who_is_removed_while_a_run_is_prepared_is_not_learned_from(
    trained_run: Path, small_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listed when the run had chosen its people, and had not yet said whom it learns from."""
    data = tmp_path / "data"
    data.mkdir()
    for path in small_cohort.iterdir():
        (data / path.name).symlink_to(path)
    config = config_of(trained_run, epochs=1)
    gone: list[str] = []
    real = train.__globals__["load_training_data"]

    def load(*args: Any, **kwargs: Any) -> Any:
        found = real(*args, **kwargs)
        if not gone:
            gone.append(found.train.examples[0].clip.record.subject_id)
            removal = Removal(people=(name_hash(gone[0]),), listed="now")
            Removed((removal,)).write(data)
        return found

    monkeypatch.setitem(train.__globals__, "load_training_data", load)
    with pytest.raises(DataError, match=r"removed from the data while.*--resume"):
        train(config, data, tmp_path / "run")
    assert not RunFolder(tmp_path / "run").state.exists()
    train(config, data, tmp_path / "run", resume=True)
    learned = Learned.read(RunFolder(tmp_path / "run").learned)
    assert learned.people
    assert name_hash(gone[0]) not in learned.people
