"""Documents packed into stretches of equal length, in an order that follows from seed and epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from respllm.errors import DataError


class TokenStream:
    """What the language model reads, step by step.

    Each epoch puts all documents in a new order, one behind the other, and cuts this into stretches
    of `context` + 1 tokens; each begins with the last token of the one before, so that every token
    is predicted once. What does not fill a batch is left out of that epoch.

    Args:
        documents: token ids, each beginning with the token that stands before documents.
        repeats: how often each is read per epoch.
        context: tokens the model reads at once.
        batch_size: stretches per step.
        seed: of the orders.

    Raises:
        DataError: too few tokens for one batch.
    """

    def __init__(
        self,
        documents: Sequence[np.ndarray],
        repeats: Sequence[int],
        context: int,
        batch_size: int,
        seed: int,
    ) -> None:
        self._documents = documents
        self._order = np.repeat(np.arange(len(documents)), repeats)
        self._context, self._batch_size, self._seed = context, batch_size, seed
        self.tokens = sum(len(documents[int(i)]) for i in self._order)
        """Tokens of an epoch."""
        self.steps = (self.tokens - 1) // context // batch_size
        """Batches of an epoch."""
        if self.steps < 1:
            raise DataError(
                f"The texts to learn from have {self.tokens} tokens",
                expected=f"at least one batch of {batch_size} stretches of {context}",
                next_step="add sources, or lower batch_size or context",
            )
        self._epoch = -1
        self._stretches = np.empty((0, 0), np.int64)

    def batch(self, step: int) -> np.ndarray:
        """(batch_size, context + 1) token ids of step number `step`, from 0."""
        epoch, position = divmod(step, self.steps)
        if epoch != self._epoch:
            self._stretches = self._packed(epoch)
            self._epoch = epoch
        start = position * self._batch_size
        return self._stretches[start : start + self._batch_size]

    def _packed(self, epoch: int) -> np.ndarray:
        order = np.random.default_rng((self._seed, epoch)).permutation(self._order)
        tokens = np.concatenate([self._documents[i] for i in order])
        rows = self.steps * self._batch_size
        starts = self._context * np.arange(rows)[:, None]
        return tokens[starts + np.arange(self._context + 1)]
