"""A packed row holds every text once, and each stretch reads exactly its own past."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from respllm.batching import AttentionGroup, Packing, pack

AUDIO = 3
TEXTS = st.lists(st.lists(st.integers(0, 3), max_size=7), min_size=1, max_size=9)


def read_back(packing: Packing, kept: int, known: Sequence[int]) -> dict[int, list[int]]:
    """For every row of the packing the ids (or -1 - row for audio) that its query may read."""
    ids = [*known, *packing.text_ids.tolist()]
    texts = len(ids)
    found: dict[int, list[int]] = {}
    groups = [*packing.texts, packing.audio]
    outputs: list[tuple[AttentionGroup, int, int]] = []
    for group in groups:
        assert group is not None
        stretches, length = group.queries.shape
        outputs += [(group, s, q) for s in range(stretches) for q in range(length)]
    for row, place in enumerate(packing.order.tolist()):
        group, stretch, query = outputs[place]
        assert int(group.queries[stretch, query]) == row, "a row's output is its own query's"
        keys = group.keys[stretch][~group.hidden[stretch, query]].tolist()
        found[row] = [ids[key] if key < texts else texts - 1 - key for key in keys]
    assert kept == len(known)
    return found


@settings(max_examples=200, deadline=None)
@given(TEXTS)
def test_every_position_reads_its_own_past_and_nothing_else(texts: list[list[int]]) -> None:
    texts = [[4, *text] for text in texts]
    packing = pack(texts, AUDIO)
    read = read_back(packing, 0, [])
    rows = len(packing.text_ids)
    for example, text in enumerate(texts):
        for position in range(AUDIO):
            row = rows + example * AUDIO + position
            own = [-1 - (example * AUDIO + p) for p in range(position + 1)]
            assert read[row] == [*text, *own]
            assert int(packing.positions[row]) == len(text) + position
    beginnings = {tuple(text[: i + 1]) for text in texts for i in range(len(text))}
    seen = [tuple(read[row]) for row in range(rows)]
    assert sorted(seen) == sorted(beginnings), "each beginning stands once"
    assert [len(past) - 1 for past in seen] == packing.positions[:rows].tolist()


@settings(max_examples=100, deadline=None)
@given(TEXTS, st.lists(st.integers(0, 2), min_size=9, max_size=9))
def test_kept_beginnings_are_read_and_not_computed(
    texts: list[list[int]], which: list[int]
) -> None:
    prompts = ([10, 11], [10, 12, 13], [14])
    rows = (range(2), range(2, 5), range(5, 6))
    known = [token for prompt in prompts for token in prompt]
    asked = which[: len(texts)]
    packing = pack(texts, AUDIO, [rows[i] for i in asked], len(known))
    read = read_back(packing, len(known), known)
    first = len(packing.text_ids)
    for example, (text, prompt) in enumerate(zip(texts, asked, strict=True)):
        past = read[first + example * AUDIO][:-1]
        assert past == [*prompts[prompt], *text]
        assert int(packing.positions[first + example * AUDIO]) == len(past)
    assert packing.longest == AUDIO + max(
        len(prompts[i]) + len(text) for i, text in zip(asked, texts, strict=True)
    )


def test_similar_sizes_are_padded_together() -> None:
    draw = np.random.default_rng(0)
    texts = [draw.integers(0, 1000, size).tolist() for size in (20, 22, 60, 64, 200)]
    packing = pack(texts, 64)
    padded = sum(group.hidden.numel() for group in packing.texts)
    assert padded < 1.5 * sum(len(text) ** 2 for text in texts)
    assert sum(len(group.queries) for group in packing.texts) == 5


def test_texts_alone_have_no_audio() -> None:
    packing = pack([[1, 2, 3]], 0)
    assert packing.audio is None
    assert packing.positions.tolist() == [0, 1, 2]
    assert packing.order.tolist() == [0, 1, 2]
