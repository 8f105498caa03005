"""The share of positives that weighting made of the training data is undone in probabilities."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respllm.models import KnownTask
from respllm.tasks import get_task

SHARES = st.floats(0.01, 0.99)


@given(st.floats(0.001, 0.999), SHARES, SHARES)
def test_the_correction_is_bayes_rule(probability: float, prior: float, trained: float) -> None:
    task = KnownTask.of(get_task("S7"), prior, trained)
    logit = math.log(probability / (1 - probability))
    corrected = 1 / (1 + math.exp(-task.corrected(logit)))
    for_1 = probability / trained * prior
    for_0 = (1 - probability) / (1 - trained) * (1 - prior)
    assert corrected == pytest.approx(for_1 / (for_1 + for_0), rel=1e-9)


def test_a_task_that_was_only_tested_is_not_corrected() -> None:
    task = KnownTask.of(get_task("T5"))
    assert (task.role, task.prior) == ("target", None)
    assert task.corrected(0.7) == 0.7


@pytest.mark.parametrize(("prior", "trained"), [(0.0, 0.5), (1.0, 0.5), (0.5, 1.0)])
def test_a_share_of_none_or_all_corrects_nothing(prior: float, trained: float) -> None:
    assert KnownTask.of(get_task("S7"), prior, trained).corrected(0.7) == 0.7


def test_it_keeps_the_words_of_the_task() -> None:
    task = KnownTask.of(get_task("S7"), 0.3, 0.5)
    assert (task.id, task.role, task.dataset, task.sound) == (
        "S7",
        "source",
        "icbhi",
        "lung sounds",
    )
    assert task.prompt.endswith("Please output 1 for COPD, and 0 for healthy.")
