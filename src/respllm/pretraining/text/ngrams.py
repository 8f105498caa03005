"""Bigrams and trigrams: what a language model has to beat."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class _Order:
    """Counts of one length of stretches.

    Attributes:
        grams, counts: numbers of the stretches that occur, ascending, and how often.
        contexts, totals, kinds: numbers of what stands before the last token, ascending, how often
            it does, and how many different tokens follow it.
        discount: is taken off each count and given to shorter stretches.
    """

    grams: np.ndarray
    counts: np.ndarray
    contexts: np.ndarray
    totals: np.ndarray
    kinds: np.ndarray
    discount: float


class NgramModel:
    """Interpolated Kneser-Ney smoothing (Kneser and Ney 1995; Chen and Goodman 1999, section 2.7).

    Shorter stretches are counted by how many different tokens they follow; the discount of each
    length is n1 / (n1 + 2 n2) of its counts; the shortest is mixed with the uniform distribution.

    Args:
        documents: token ids, each beginning with the token that stands before documents.
        order: tokens of the longest stretches: 2 is a bigram, 3 a trigram model.
        vocabulary: tokens of the tokenizer.
    """

    def __init__(self, documents: Sequence[np.ndarray], order: int, vocabulary: int) -> None:
        self.order = order
        self._vocabulary = vocabulary
        grams = np.concatenate([self._grams(ids, order) for ids in documents])
        codes, counts = np.unique(grams, return_counts=True)
        self._orders = [_order(codes, counts, vocabulary)]
        for length in range(order - 1, 0, -1):
            # Each different longer stretch counts once.
            codes, counts = np.unique(codes % vocabulary**length, return_counts=True)
            self._orders.append(_order(codes, counts, vocabulary))

    def log_probabilities(self, documents: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Natural logarithm of each token's probability after those before it, but the first's.

        Args:
            documents: token ids as in the constructor.

        Returns:
            One array per document, one shorter than it.
        """
        return [np.log(self._probabilities(self._grams(ids, self.order))) for ids in documents]

    def _grams(self, ids: np.ndarray, order: int) -> np.ndarray:
        """Numbers of the stretches that end in each token but the first."""
        padded = np.concatenate([np.full(max(0, order - 2), ids[0]), ids]).astype(np.int64)
        codes = np.zeros(len(ids) - 1, np.int64)
        for i in range(order):
            codes = codes * self._vocabulary + padded[i : i + len(codes)]
        return codes

    def _probabilities(self, codes: np.ndarray) -> np.ndarray:
        result = np.full(len(codes), 1 / self._vocabulary)
        for length, counted in enumerate(reversed(self._orders), start=1):
            short = codes % self._vocabulary**length
            count, _ = _found(counted.grams, short, counted.counts)
            total, known = _found(counted.contexts, short // self._vocabulary, counted.totals)
            kinds, _ = _found(counted.contexts, short // self._vocabulary, counted.kinds)
            total = np.where(known, total, 1)
            mixed = np.maximum(count - counted.discount, 0) + counted.discount * kinds * result
            result = np.where(known, mixed / total, result)
        return result


def _order(codes: np.ndarray, counts: np.ndarray, vocabulary: int) -> _Order:
    contexts, first = np.unique(codes // vocabulary, return_index=True)
    totals = np.add.reduceat(counts, first)
    kinds = np.diff(np.append(first, len(codes)))
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    discount = once / (once + 2 * twice) if once and twice else 0.5
    return _Order(codes, counts, contexts, totals, kinds, discount)


def _found(
    keys: np.ndarray, wanted: np.ndarray, values: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The values of `wanted` among `keys`, 0 where there is none, and whether there is one."""
    place = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
    known = keys[place] == wanted
    return np.where(known, values[place], 0), known
