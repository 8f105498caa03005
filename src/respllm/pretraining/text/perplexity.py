"""How well a model predicts documents, in units that can be compared."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np


class Reader(Protocol):
    """Whatever gives each token of a document a probability."""

    def log_probabilities(self, documents: Sequence[np.ndarray]) -> list[np.ndarray]:
        """Natural logarithm of each token's probability after those before it, but the first's."""


@dataclass(frozen=True, slots=True)
class Perplexity:
    """Of one model on one set of documents.

    Attributes:
        model: what it is called.
        per_token: exp of the mean negative log-likelihood of a token; only models of one tokenizer
            can be compared.
        bits_per_byte: of the documents in UTF-8; any models can be compared.
        tokens, bytes: how much was predicted.
    """

    model: str
    per_token: float
    bits_per_byte: float
    tokens: int
    bytes: int


def perplexity(
    name: str, reader: Reader, documents: Sequence[np.ndarray], texts: Sequence[str]
) -> Perplexity:
    """Measure a model.

    Args:
        documents: token ids, each beginning with the token that stands before documents, which is
            not predicted; nor is the document's end.
        texts: what they say.
    """
    values = np.concatenate(reader.log_probabilities(documents))
    size = sum(len(text.encode()) for text in texts)
    nats = -float(values.sum())
    return Perplexity(
        name, math.exp(nats / len(values)), nats / math.log(2) / size, len(values), size
    )
