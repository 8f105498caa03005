"""Packing: every token once an epoch, in an order that follows from seed and epoch."""

from __future__ import annotations

import numpy as np
import pytest

from respllm.errors import DataError
from respllm.pretraining.text.stream import TokenStream

DOCUMENTS = [np.arange(start, start + 7) for start in range(0, 140, 7)]


def test_every_token_is_predicted_once_an_epoch_but_for_the_rest() -> None:
    stream = TokenStream(DOCUMENTS, [1] * 20, context=8, batch_size=2, seed=0)
    assert (stream.tokens, stream.steps) == (140, 8)
    targets = np.concatenate([stream.batch(step)[:, 1:].ravel() for step in range(stream.steps)])
    assert len(targets) == 8 * 2 * 8
    assert len(set(targets.tolist())) == len(targets)
    first = stream.batch(0)
    assert first[0, -1] == first[1, 0]


def test_repeated_documents_are_read_as_often_as_asked() -> None:
    stream = TokenStream(DOCUMENTS, [3] + [1] * 19, context=7, batch_size=1, seed=0)
    read = np.concatenate([stream.batch(step)[:, :-1].ravel() for step in range(stream.steps)])
    assert stream.tokens == 154
    assert (read == 3).sum() == 3 - (stream.tokens - len(read) > 7)


def test_a_step_is_the_same_whenever_it_is_asked_for() -> None:
    one, other = (TokenStream(DOCUMENTS, [1] * 20, 8, 2, seed=3) for _ in range(2))
    expected = [one.batch(step) for step in range(20)]
    assert np.array_equal(other.batch(19), expected[19])
    assert np.array_equal(other.batch(3), expected[3])
    assert not np.array_equal(expected[0], expected[8])  # another epoch, another order
    assert not np.array_equal(TokenStream(DOCUMENTS, [1] * 20, 8, 2, 4).batch(0), expected[0])


def test_too_few_tokens_for_a_batch_are_told() -> None:
    with pytest.raises(DataError, match="140 tokens"):
        TokenStream(DOCUMENTS, [1] * 20, context=100, batch_size=2, seed=0)
