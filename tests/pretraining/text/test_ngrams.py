"""Bigram and trigram probabilities are probabilities, and Kneser and Ney's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respllm.pretraining.text.ngrams import NgramModel

VOCABULARY = 5
DOCUMENTS = st.lists(
    st.lists(st.integers(1, VOCABULARY - 1), min_size=1, max_size=12).map(lambda ids: [0, *ids]),
    min_size=1,
    max_size=8,
)


@settings(max_examples=60, deadline=None)
@given(DOCUMENTS, st.lists(st.integers(1, VOCABULARY - 1), max_size=4), st.sampled_from([2, 3]))
def test_probabilities_of_all_tokens_add_up_to_one(
    documents: list[list[int]], before: list[int], order: int
) -> None:
    model = NgramModel([np.array(ids) for ids in documents], order, VOCABULARY)
    asked = [np.array([0, *before, token]) for token in range(VOCABULARY)]
    last = [np.exp(values[-1]) for values in model.log_probabilities(asked)]
    assert sum(last) == pytest.approx(1)
    assert min(last) > 0


def test_a_bigram_probability_by_hand() -> None:
    # 0 1 2, 0 1 3, 0 1 2. Pairs: 01 three times, 12 twice, 13 once; discount 1 / (1 + 2) = 1/3.
    # Single tokens by what they follow: 1, 2 and 3 once each; none twice: discount 1/2.
    documents = [np.array(ids) for ids in ([0, 1, 2], [0, 1, 3], [0, 1, 2])]
    model = NgramModel(documents, 2, 4)
    alone = (1 - 0.5) / 3 + 0.5 * 3 / 3 / 4
    expected = (2 - 1 / 3) / 3 + 1 / 3 * 2 / 3 * alone
    (found,) = model.log_probabilities([np.array([0, 1, 2])])
    assert np.exp(found[1]) == pytest.approx(expected)


def test_what_never_came_before_is_left_to_shorter_stretches() -> None:
    documents = [np.array([0, 1, 2, 3, 1, 2])]
    (pair,) = NgramModel(documents, 2, 5).log_probabilities([np.array([0, 4, 1])])
    (alone,) = NgramModel(documents, 1, 5).log_probabilities([np.array([0, 4, 1])])
    assert np.isfinite(pair).all()
    assert np.isfinite(alone).all()
    trigram = NgramModel(documents, 3, 5)
    (known,) = trigram.log_probabilities([np.array([0, 1, 2, 3])])
    (strange,) = trigram.log_probabilities([np.array([0, 1, 3, 2])])
    assert known[-1] > strange[-1]
