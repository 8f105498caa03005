"""Documents into parts that share no topic and no text."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix
from scipy.sparse.csgraph import connected_components

from respllm.errors import DataError
from respllm.pretraining.text.documents import Document

SHINGLE = 8
"""Words in a row that are compared."""
SHARED = 0.5
"""Two texts are near duplicates if so much of either one's stretches stands in the other."""
LARGE = 0.2
"""A group with more than this share of the words that are to be tested on is always learned: a few
such groups would be all there is to test on."""
_ROWS = 1024


@dataclass(frozen=True, slots=True)
class TextSplit:
    """Who is in which part, and what that took.

    Attributes:
        train, validation, test: positions of the documents, ascending.
        topics: topics in all; documents without one count as one each.
        groups: of documents that must stay together.
        exact, near: pairs of documents with the same text, and of near duplicates (those too).
        joined_topics: topics that share a group with another topic because of such a pair.
        shared_stretches: share of the test part's different stretches of 8 words that also stand
            in the train part: stock phrases, at most half of any document.
    """

    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    topics: int
    groups: int
    exact: int
    near: int
    joined_topics: int
    shared_stretches: float


def split_documents(
    documents: Sequence[Document], validation_share: float, test_share: float, seed: int
) -> TextSplit:
    """Hold out whole groups: no topic, no text and no near duplicate of one is in two parts.

    Topics are alike if they differ in case only. Headings are not compared: they are questions
    that hundreds of documents answer. Groups are drawn in the order of `seed` until a part has its
    share of the words; large ones (a fifth of the test part) are always learned.

    Raises:
        DataError: too few groups for three parts.
    """
    shingles = _shingles([document.text for document in documents])
    near = _near_duplicates(shingles)
    topics = _topics(documents)
    n_topics = int(topics.max()) + 1
    pairs = (topics[near[:, 0]], topics[near[:, 1]])
    joined = coo_matrix((np.ones(len(near)), pairs), shape=(n_topics, n_topics))
    n_groups, of_topic = connected_components(joined, directed=False)
    group = of_topic[topics]
    words = np.array([document.words() for document in documents])
    sizes = np.bincount(group, weights=words)
    part = _parts(sizes, validation_share, test_share, seed)[group]
    train, validation, test = (tuple(np.flatnonzero(part == i).tolist()) for i in range(3))
    if not (validation and test):
        raise DataError(
            f"The documents fall into {n_groups} groups of one topic or text, too few to hold out "
            "any",
            expected="many topics, none with most of the words",
            next_step="add sources, or name the field of the topic with `topic`",
        )
    exact = sum(documents[a].text == documents[b].text for a, b in near)
    members = np.bincount(of_topic)
    return TextSplit(
        train,
        validation,
        test,
        topics=n_topics,
        groups=n_groups,
        exact=exact,
        near=len(near),
        joined_topics=int(members[members > 1].sum()),
        shared_stretches=_shared(shingles, train, test),
    )


def _parts(sizes: np.ndarray, validation: float, test: float, seed: int) -> np.ndarray:
    """The part of each group, by its words: 0 train, 1 validation, 2 test."""
    part = np.zeros(len(sizes), int)
    small = np.flatnonzero(sizes <= LARGE * test * sizes.sum()).tolist()
    random.Random(seed).shuffle(small)
    wanted = {2: test * sizes.sum(), 1: validation * sizes.sum()}
    for group in small:
        for number, left in wanted.items():
            if left > 0:
                part[group] = number
                wanted[number] = left - sizes[group]
                break
    return part


def _topics(documents: Sequence[Document]) -> np.ndarray:
    numbers: dict[object, int] = {}
    return np.array(
        [
            numbers.setdefault(position if d.topic is None else d.topic.casefold(), len(numbers))
            for position, d in enumerate(documents)
        ]
    )


def _shingles(texts: Sequence[str]) -> csr_matrix:
    """(texts, different stretches of 8 words) with a 1 where a text has a stretch."""
    known: dict[tuple[str, ...], int] = {}
    columns: list[int] = []
    ends = [0]
    for text in texts:
        words = re.findall(r"\w+", text.casefold())
        last = max(1, len(words) - SHINGLE + 1)  # a shorter text is one stretch
        columns += {
            known.setdefault(tuple(words[i : i + SHINGLE]), len(known)) for i in range(last)
        }
        ends.append(len(columns))
    ones = np.ones(len(columns), np.float32)
    return csr_matrix((ones, columns, ends), shape=(len(texts), len(known)))


def _near_duplicates(shingles: csr_matrix) -> np.ndarray:
    """(n, 2) positions of two texts each, the smaller first."""
    own = np.asarray(shingles.sum(1)).ravel()
    common = shingles[:, np.asarray(shingles.sum(0)).ravel() > 1]
    turned = common.T.tocsr()
    found = [np.empty((0, 2), int)]
    for start in range(0, shingles.shape[0], _ROWS):  # all at once would fill the memory
        shared = (common[start : start + _ROWS] @ turned).tocoo()
        first, second = shared.row + start, shared.col
        near = (first < second) & (shared.data >= SHARED * np.minimum(own[first], own[second]))
        found.append(np.stack([first[near], second[near]], axis=1))
    return np.concatenate(found)


def _shared(shingles: csr_matrix, train: tuple[int, ...], test: tuple[int, ...]) -> float:
    learned, held_out = (
        np.asarray(shingles[list(part)].sum(0)).ravel() > 0 for part in (train, test)
    )
    return float((learned & held_out).sum() / held_out.sum())
