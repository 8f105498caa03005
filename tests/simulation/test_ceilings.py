from __future__ import annotations

import pandas as pd
import pytest

from respllm.simulation.ceilings import cohort_ceiling, population_ceiling
from respllm.simulation.questions import QUESTIONS, Question


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.task_id)
def test_tasks_are_neither_trivial_nor_hopeless(question: Question) -> None:
    ceiling = population_ceiling(question)
    assert 0.70 <= ceiling["best"] <= 0.92
    gain = ceiling["best"] - max(ceiling["text_only"], ceiling["audio_only"])
    if question.needs_both:
        assert gain >= 0.08
    else:
        assert gain > 0


def test_all_tasks_but_the_unseen_condition_need_both() -> None:
    assert [q.task_id for q in QUESTIONS if not q.needs_both] == ["T6"]


def _truth(label: list[int], best: list[float], subject: list[str], split: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "subject_id": subject,
            "split": split,
            "label": label,
            "best": best,
            "text_only": 0.5,
            "audio_only": best,
        }
    )


def test_a_persons_recordings_count_once() -> None:
    # By recording the AUROC is 3/4; person a's mean log-odds is above b's.
    truth = _truth([1, 1, 0], [0.9, 0.4, 0.5], ["a", "a", "b"], "test")
    ceiling = cohort_ceiling(truth)
    assert ceiling["best"] == 1.0
    assert ceiling["text_only"] == 0.5
    assert (ceiling["positive"], ceiling["negative"]) == (1, 1)


def test_only_test_people_count_and_one_class_has_no_auroc() -> None:
    truth = pd.concat(
        [_truth([0], [0.2], ["a"], "train"), _truth([1, 1], [0.8, 0.9], ["b", "c"], "test")]
    )
    ceiling = cohort_ceiling(truth)
    assert ceiling["best"] is None
    assert (ceiling["positive"], ceiling["negative"]) == (2, 0)
