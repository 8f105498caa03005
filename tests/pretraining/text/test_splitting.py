"""Parts that share no topic, no text and no near duplicate."""

from __future__ import annotations

import re
from itertools import combinations, product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respllm.errors import DataError
from respllm.pretraining.text.documents import Document
from respllm.pretraining.text.splitting import SHARED, SHINGLE, split_documents
from tests.pretraining.text.conftest import sentences


def of(text: str, topic: str | None = None) -> Document:
    return Document(text, "", topic)


def stretches(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[i : i + SHINGLE]) for i in range(max(1, len(words) - SHINGLE + 1))}


@settings(max_examples=20, deadline=None)
@given(
    copies=st.lists(st.tuples(st.integers(0, 99), st.integers(1, 6)), max_size=15),
    topics=st.integers(40, 80),
    seed=st.integers(0, 5),
)
def test_no_topic_and_no_near_duplicate_is_in_two_parts(
    copies: list[tuple[int, int]], topics: int, seed: int
) -> None:
    documents = [of(sentences(i), f"Topic {i % topics}") for i in range(100)]
    # A part of another document, under a topic of its own, with a sentence of its own behind it.
    for number, (i, kept) in enumerate(copies):
        words = documents[i].text.split()[: 9 * kept]
        documents.append(of(" ".join([*words, sentences(1000 + number, 1)]), f"Copy {number}"))
    split = split_documents(documents, 0.1, 0.2, seed)
    parts = (split.train, split.validation, split.test)
    assert sorted(i for part in parts for i in part) == list(range(len(documents)))
    found = [stretches(document.text) for document in documents]
    for one, other in combinations(parts, 2):
        assert not {documents[i].topic for i in one} & {documents[i].topic for i in other}
        for first, second in product(one, other):
            shared = found[first] & found[second]
            assert len(shared) < SHARED * min(len(found[first]), len(found[second]))


def test_topics_in_other_case_and_texts_in_other_punctuation_are_the_same() -> None:
    documents = [of(sentences(i), f"t{i}") for i in range(200)]
    documents += [of(sentences(1000), "ASTHMA"), of(sentences(1001), "asthma")]
    documents += [of(documents[5].text.replace(".", " !").upper(), "another")]
    split = split_documents(documents, 0.1, 0.1, 0)
    part_of = {i: p for p in ("train", "validation", "test") for i in getattr(split, p)}
    assert part_of[200] == part_of[201]
    assert part_of[5] == part_of[202]
    assert (split.topics, split.groups, split.near, split.exact) == (202, 201, 1, 0)
    assert split.joined_topics == 2


def test_a_group_with_much_of_all_words_is_learned() -> None:
    documents = [of(sentences(i), "everything" if i < 40 else None) for i in range(200)]
    for seed in range(10):
        split = split_documents(documents, 0.1, 0.2, seed)
        assert set(range(40)) <= set(split.train)
        words = [sum(documents[i].words() for i in part) for part in (split.test, split.train)]
        assert 0.19 < words[0] / sum(document.words() for document in documents) < 0.22


def test_the_split_follows_the_seed() -> None:
    documents = [of(sentences(i)) for i in range(150)]
    assert split_documents(documents, 0.1, 0.1, 1) == split_documents(documents, 0.1, 0.1, 1)
    assert split_documents(documents, 0.1, 0.1, 1) != split_documents(documents, 0.1, 0.1, 2)


def test_texts_of_one_topic_cannot_be_held_out() -> None:
    with pytest.raises(DataError, match="1 groups"):
        split_documents([of(sentences(i), "all") for i in range(20)], 0.1, 0.1, 0)
