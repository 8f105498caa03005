from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from respllm.config import TrainingConfig, parse
from respllm.errors import ConfigError
from respllm.training import train
from respllm.training.data import run_selections
from respllm.training.varying import varied
from respllm.types import Dms, Example
from tests.training.test_train import config_of, weights_of

TOLD = Dms(gender="Female", age=61, symptoms=("cough",), recording_location="left chest")


@pytest.fixture
def examples(trained_run: Path, small_cohort: Path) -> list[Example]:
    selections = run_selections(config_of(trained_run), trained_run, small_cohort)
    found = [e for one in selections.values() for e in one.parts["train"]][:40]
    return [
        replace(e, clip=replace(e.clip, record=replace(e.clip.record, dms=TOLD))) for e in found
    ]


def test_what_was_recorded_comes_first_and_stays(examples: list[Example]) -> None:
    found = list(varied(examples, 2, 0.5, "clean", 0))
    assert found[: len(examples)] == examples
    assert len(found) == 3 * len(examples)
    assert len({e.clip.clip_id for e in found}) == 3 * len({e.clip.clip_id for e in examples})
    for copy, example in zip(found[len(examples) :], 2 * examples, strict=True):
        assert (copy.task_id, copy.label, copy.prompt_text) == (
            example.task_id,
            example.label,
            example.prompt_text,
        )
        assert copy.clip.record is example.clip.record


def test_fields_are_left_out_one_by_one(examples: list[Example]) -> None:
    found = list(varied(examples, 4, 0.5, "clean", 0))[len(examples) :]
    for words in ("Gender", "Age", "symptoms", "Record location"):
        share = sum(words in e.dms_text for e in found) / len(found)
        assert 0.3 < share < 0.7
    assert any("Age" in e.dms_text and "Gender" not in e.dms_text for e in found)


def test_nothing_is_left_out_unless_asked(examples: list[Example]) -> None:
    found = list(varied(examples, 1, 0.0, "clean", 0))[len(examples) :]
    assert all("Age: 61" in e.dms_text and "cough" in e.dms_text for e in found)
    hidden = list(varied(examples, 1, 1.0, "clean", 0))[len(examples) :]
    assert {e.dms_text for e in hidden} == {""}


def test_a_run_with_views_learns_more_steps_and_resumes_alike(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    config = config_of(trained_run, views=1, hidden_fields=0.5)
    plain = train(config_of(trained_run), small_cohort, tmp_path / "plain")
    summary = train(config, small_cohort, tmp_path / "views")
    assert summary.steps >= 2 * plain.steps - config.training.epochs
    train(config, small_cohort, tmp_path / "again")
    assert weights_of(tmp_path / "views") == weights_of(tmp_path / "again")
    assert weights_of(tmp_path / "views") != weights_of(tmp_path / "plain")


def test_hidden_fields_need_views() -> None:
    with pytest.raises(ConfigError, match="views"):
        parse({"hidden_fields": 0.5}, TrainingConfig, where="run.yaml")
