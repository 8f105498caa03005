"""What is asked: a task the model knows, another one, or a condition that no task names."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from respllm import Predictor
from respllm.errors import ConfigError
from respllm.inference.question import UNKNOWN_SHARE, UNVALIDATED
from respllm.prompts import task_prompt
from respllm.tasks import get_task

OWN = {
    "id": "wheeze",
    "dataset_description": "the Example Clinic cohort",
    "question": "whether the person wheezes",
    "sound": "lung sounds",
    "word_for_1": "wheeze",
    "word_for_0": "no wheeze",
    "table": {"table": "cohort.csv"},
}


@pytest.fixture(scope="module")
def predictor(trained_run: Path) -> Predictor:
    return Predictor.from_pretrained(trained_run)


def test_a_task_that_was_learned_needs_no_warning(predictor: Predictor) -> None:
    question = predictor.question("S7")
    assert question.prompt == task_prompt(get_task("S7"))
    assert question.known is not None
    assert question.notes == ()


def test_of_a_task_that_was_only_tested_the_share_is_not_known(predictor: Predictor) -> None:
    question = predictor.question("T5")
    assert question.prompt == task_prompt(get_task("T5"))
    assert question.notes == (UNKNOWN_SHARE,)


def test_another_task_of_the_paper_is_unvalidated(predictor: Predictor) -> None:
    question = predictor.question("T1")
    assert question.prompt == task_prompt(get_task("T1"))
    assert question.notes == (UNVALIDATED, UNKNOWN_SHARE)


def test_a_condition_that_no_task_names(predictor: Predictor) -> None:
    question = predictor.question(condition=" pneumonia", sound="lung  sounds")
    assert question.task_id == "condition:pneumonia"
    assert "whether the person has pneumonia given" in question.prompt
    assert "audio of the person's lung sounds. Please output 1 for pneumonia" in question.prompt
    assert question.notes == (UNVALIDATED, UNKNOWN_SHARE)


def test_an_own_task_is_asked_by_its_file(predictor: Predictor, tmp_path: Path) -> None:
    path = tmp_path / "wheeze.yaml"
    path.write_text(yaml.safe_dump(OWN))
    question = predictor.question(str(path))
    assert question.task_id == "wheeze"
    assert "the Example Clinic cohort" in question.prompt
    assert question.known is None
    path.write_text(yaml.safe_dump(OWN | {"qestion": "?"}))
    with pytest.raises(ConfigError, match="Did you mean 'question'"):
        predictor.question(str(path))
    with pytest.raises(ConfigError, match="Cannot read"):
        predictor.question(str(tmp_path / "gone.yaml"))


@pytest.mark.parametrize(("asked", "near"), [("s7", "S7"), ("T55", "T5")])
def test_a_near_miss_of_a_task_is_suggested(predictor: Predictor, asked: str, near: str) -> None:
    with pytest.raises(ConfigError, match=f"Unknown task '{asked}'. Did you mean '{near}'"):
        predictor.question(asked)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"task": "S7", "condition": "asthma", "sound": "lung sounds"},
        {"condition": "asthma"},
        {"sound": "lung sounds"},
    ],
)
def test_an_unclear_question_is_refused(predictor: Predictor, asked: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="not clear what to ask"):
        predictor.question(**asked)


def test_an_empty_condition_is_refused(predictor: Predictor) -> None:
    with pytest.raises(ConfigError, match="needs a name and a sound"):
        predictor.question(condition=" ", sound="lung sounds")
