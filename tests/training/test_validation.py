"""Selection looks at people, task by task."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from respllm.training.validation import mean_auroc, task_aurocs
from respllm.types import Clip, Dms, Example, Record


def example(task: str, person: str, label: int, window: int = 0) -> Example:
    record = Record(f"d/{person}", f"d/{person}", "d", "cough", Path("a.wav"), Dms())
    return Example(task, Clip(record, window=window), "?", "", label)


def test_clips_are_gathered_to_people_before_they_are_ranked() -> None:
    examples = [example("S1", "sick", 1, i) for i in range(2)]
    examples += [example("S1", "well", 0, i) for i in range(2)]
    # By clip 2 of 4 pairs are in order; by person the sick one is first (1.5 against 1.0).
    logits = np.array([3.0, 0.0, 1.0, 1.0])
    assert task_aurocs(examples, logits) == {"S1": 1.0}


def test_each_task_is_ranked_alone_and_counts_the_same() -> None:
    examples = [example("S1", f"a{i}", i % 2) for i in range(2)]
    examples += [example("S2", f"b{i}", i % 2) for i in range(8)]
    logits = np.array([5.0, 6.0, *[1.0, 0.0] * 4])
    scores = task_aurocs(examples, logits)
    assert scores == {"S1": 1.0, "S2": 0.0}
    assert mean_auroc(scores) == pytest.approx(0.5)


def test_a_task_with_one_answer_has_no_say() -> None:
    examples = [example("S1", "a", 1), example("S1", "b", 1)]
    assert task_aurocs(examples, np.zeros(2)) == {}
    assert mean_auroc({}) is None
