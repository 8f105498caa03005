"""The cloze items are fair, and scored as documented."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest

from respllm.errors import ConfigError
from respllm.pretraining.text.cloze import (
    ClozeItem,
    cloze_items,
    compare_readers,
    score_items,
)
from respllm.pretraining.text.tokenizer import learn_tokenizer

ITEMS = cloze_items()
TOKENIZER = learn_tokenizer([f" {item.sentence} {item.right}" for item in ITEMS], 400)


class Uniform:
    """Every token has the same probability, but for some."""

    def __init__(self, better: Sequence[int] = ()) -> None:
        self.better = list(better)

    def log_probabilities(self, documents: Sequence[np.ndarray]) -> list[np.ndarray]:
        return [np.where(np.isin(ids[1:], self.better), -1.0, -2.0) for ids in documents]


def test_there_are_many_items_on_many_topics() -> None:
    topics = Counter(item.topic for item in ITEMS)
    assert len(ITEMS) >= 60
    assert {"asthma", "COPD", "COVID-19", "pneumonia", "tuberculosis"} <= topics.keys()
    assert max(topics.values()) <= len(ITEMS) / 8


def test_each_item_has_four_different_choices_and_is_asked_once() -> None:
    for item in ITEMS:
        assert len({choice.lower() for choice in item.choices}) == 4, item
        # The answer must not stand in the question.
        assert item.right.lower() not in item.sentence.lower().split(), item
    assert len({(item.sentence, item.right) for item in ITEMS}) == len(ITEMS)


def test_only_what_follows_the_gap_is_scored_per_byte() -> None:
    item = ClozeItem(
        topic="t", sentence="It is a ___ thing.", right="ab", wrong=("abcdefgh", "cd", "ef")
    )
    scores = score_items([item], Uniform(), TOKENIZER)
    for choice, score in zip(item.choices, scores[0], strict=True):
        rest = f"{choice} thing."
        assert score == pytest.approx(-2.0 * len(TOKENIZER.dms_ids(rest)) / len(rest))


def test_a_tie_is_no_right_answer() -> None:
    scores = {"a": np.array([[-1.0, -1.0, -2.0, -2.0], [-1.0, -3.0, -2.0, -2.0]])}
    result = compare_readers(ITEMS[:2], scores, "a", "a")
    assert result.scores[0].right.value == 0.5
    assert result.share.value is None
    assert result.p_value == 1.0


def test_intervals_are_exact() -> None:
    good = np.tile([0.0, -1.0, -1.0, -1.0], (10, 1))
    bad = np.tile([-2.0, -1.0, -1.0, -1.0], (10, 1))
    result = compare_readers(ITEMS[:10], {"good": good, "bad": bad}, "good", "bad")
    best = result.scores[0].right
    # Clopper and Pearson: 10 of 10, and exact McNemar: 2 / 2^10.
    assert (best.low, best.high) == (pytest.approx(0.025 ** (1 / 10)), 1.0)
    assert (result.only_first, result.only_second) == (10, 0)
    assert result.p_value == pytest.approx(2 / 2**10)
    assert sum(seen for _, seen in result.scores[1].topics.values()) == 10


def test_a_sentence_without_a_gap_is_refused(tmp_path) -> None:
    path = tmp_path / "cloze.yaml"
    path.write_text("items: [{topic: t, sentence: No gap., right: a, wrong: [b, c, d]}]")
    with pytest.raises(ConfigError, match="sentence"):
        cloze_items(path)
