"""Weights and priors: by people, task by task."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respllm.batching import balanced_weights, class_priors, implied_priors
from respllm.types import Example
from tests.batching.making import an_example

EXAMPLES = st.lists(
    st.builds(an_example, st.sampled_from("AB"), st.sampled_from("abcdef"), st.integers(0, 1)),
    min_size=1,
    max_size=60,
)


@given(EXAMPLES)
def test_classes_of_a_task_and_people_of_a_class_weigh_the_same(examples: list[Example]) -> None:
    weights = balanced_weights(examples)
    assert weights.dtype == np.float32
    assert (weights > 0).all()
    tasks: dict[str, dict[int | None, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for example, weight in zip(examples, weights, strict=True):
        people = tasks[example.task_id][example.label]
        name = example.clip.record.subject_id
        people[name] = people.get(name, 0) + float(weight)
    for task, classes in tasks.items():
        totals = [sum(people.values()) for people in classes.values()]
        assert totals == pytest.approx([totals[0]] * len(totals), rel=1e-4)
        assert sum(totals) == pytest.approx(sum(e.task_id == task for e in examples), rel=1e-4)
        for people in classes.values():
            share = next(iter(people.values()))
            assert list(people.values()) == pytest.approx([share] * len(people), rel=1e-4)
        if len(classes) == 2:
            assert implied_priors(examples, weights)[task] == pytest.approx(0.5, rel=1e-4)


def _uneven() -> list[Example]:
    """Three healthy people with one clip each, one ill person with seven; all ill in B."""
    return [
        *(an_example("A", name, 0) for name in "xyz"),
        *(an_example("A", "ill", 1) for _ in range(7)),
        an_example("B", "ill", 1),
    ]


def test_a_person_counts_once_however_many_clips() -> None:
    examples = _uneven()
    weights = balanced_weights(examples)
    assert weights[:10] == pytest.approx([5 / 3] * 3 + [5 / 7] * 7)
    assert weights[10] == 1
    assert class_priors(examples) == {"A": 0.25, "B": 1.0}


def test_the_loss_sees_clips_and_copies() -> None:
    examples = _uneven()
    assert implied_priors(examples, np.ones(11)) == pytest.approx({"A": 0.7, "B": 1.0})


def test_a_person_with_both_answers_counts_in_both() -> None:
    both = [an_example("A", "one", 0), an_example("A", "one", 1), an_example("A", "two", 0)]
    assert class_priors(both) == pytest.approx({"A": 1 / 3})
