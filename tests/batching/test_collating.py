"""Batches: shapes, padding on the right, each prompt once, any composition."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import torch

from respllm.batching import Batch, ExampleSet, TextTokenizer
from respllm.models.nano import nano_tokenizer
from tests.batching.making import an_example

EXAMPLES = [
    an_example("A", label=1, prompt="Listen.", dms="Age: 65."),
    an_example("B", label=0, prompt="Listen to this sound.", dms=""),
    an_example("A", label=None, prompt="Listen.", dms="Gender: Female. Age: 65."),
    an_example("A", label=0, prompt="Listen.", dms="Age: 65."),
]
TOKENIZER = TextTokenizer(nano_tokenizer())


def _audio(positions: Sequence[int]) -> np.ndarray:
    return np.stack([np.full((64, 5), position, np.float32) for position in positions])


def _texts(batch: Batch) -> list[tuple[list[int], list[int]]]:
    """Each row's tokens without padding."""
    rows = []
    for prompt, dms, length in zip(batch.prompt_of, batch.dms_ids, batch.dms_lengths, strict=True):
        ids = batch.prompt_ids[prompt, : batch.prompt_lengths[prompt]]
        rows.append((ids.tolist(), dms[:length].tolist()))
    return rows


def test_a_batch_holds_its_examples_in_order() -> None:
    examples = ExampleSet(EXAMPLES, _audio, TOKENIZER, np.array([1, 2, 3, 4], np.float64))
    positions = np.array([2, 1, 0, 2])
    batch = examples.batch(positions)  # type: ignore[arg-type]
    assert len(batch) == 4
    assert batch.prompt_ids.shape == (2, int(batch.prompt_lengths.max()))
    assert batch.dms_ids.shape == (4, int(batch.dms_lengths.max()))
    assert batch.audio.shape == (4, 64, 5)
    assert batch.audio[:, 0, 0].tolist() == [2, 1, 0, 2]
    assert batch.labels.tolist() == [-1, 0, 1, -1]
    assert batch.weights.tolist() == [3, 2, 1, 3]
    for name in ("prompt_ids", "prompt_lengths", "prompt_of", "dms_ids", "dms_lengths", "labels"):
        assert getattr(batch, name).dtype == torch.int64
    assert batch.audio.dtype == batch.weights.dtype == torch.float32
    assert _texts(batch) == [
        (TOKENIZER.prompt_ids(e.prompt_text), TOKENIZER.dms_ids(e.dms_text))
        for e in (EXAMPLES[i] for i in positions)
    ]
    assert batch.dms_lengths[1] == 0


def test_padding_follows_the_text() -> None:
    batch = ExampleSet(EXAMPLES, _audio, TOKENIZER).batch([0, 1, 2, 3])
    for row, length in zip(batch.dms_ids, batch.dms_lengths, strict=True):
        assert not row[length:].any()
    assert batch.weights.tolist() == [1, 1, 1, 1]


def test_an_example_reads_the_same_in_any_batch() -> None:
    examples = ExampleSet(EXAMPLES, _audio, TOKENIZER)
    alone = [_texts(examples.batch([i]))[0] for i in range(4)]
    assert _texts(examples.batch([3, 1, 2, 0])) == [alone[i] for i in (3, 1, 2, 0)]


def test_a_batch_without_any_dms() -> None:
    batch = ExampleSet(EXAMPLES, _audio, TOKENIZER).batch([1])
    assert batch.dms_ids.shape == (1, 0)
    assert batch.dms_lengths.tolist() == [0]


def test_the_order_of_cheapest_batches_puts_alike_texts_side_by_side() -> None:
    examples = ExampleSet(EXAMPLES, _audio, TOKENIZER)
    order = sorted(range(4), key=examples.sort_key)
    prompts = [EXAMPLES[i].prompt_text for i in order]
    assert len(prompts) == 4
    changes = sum(a != b for a, b in itertools.pairwise(prompts))
    assert changes == len(set(prompts)) - 1
