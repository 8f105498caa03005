"""Examples with their audio tokens to batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

from respllm.batching.batch import Batch
from respllm.batching.tokenizing import TextTokenizer
from respllm.types import Example

AudioTokens = Callable[[Sequence[int]], np.ndarray]


class ExampleSet:
    """Examples that can be batched in any composition; texts are tokenised once.

    Args:
        examples: what is asked.
        audio_tokens: positions in `examples` -> their audio tokens, (n, 64, A) float32.
        tokenizer: of the language model.
        weights: each example's weight in the loss; None weighs all alike.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        audio_tokens: AudioTokens,
        tokenizer: TextTokenizer,
        weights: np.ndarray | None = None,
    ) -> None:
        self.examples = tuple(examples)
        self._audio_tokens = audio_tokens
        self._weights = np.ones(len(examples), np.float32) if weights is None else weights
        texts = {e.prompt_text for e in self.examples}
        self._prompts = {text: tokenizer.prompt_ids(text) for text in sorted(texts)}
        self._dms = {t: tokenizer.dms_ids(t) for t in sorted({e.dms_text for e in self.examples})}

    def __len__(self) -> int:
        return len(self.examples)

    def sort_key(self, index: int) -> tuple[list[int], list[int]]:
        """Token ids of one example: neighbours in this order share most of their beginnings."""
        example = self.examples[index]
        return self._prompts[example.prompt_text], self._dms[example.dms_text]

    def batch(self, indices: Sequence[int]) -> Batch:
        """The examples at these positions, in this order."""
        chosen = [self.examples[i] for i in indices]
        prompts = sorted({example.prompt_text for example in chosen})
        row_of = {text: row for row, text in enumerate(prompts)}
        prompt_ids, prompt_lengths = _padded([self._prompts[text] for text in prompts])
        dms_ids, dms_lengths = _padded([self._dms[example.dms_text] for example in chosen])
        return Batch(
            prompt_ids=prompt_ids,
            prompt_lengths=prompt_lengths,
            prompt_of=torch.tensor([row_of[example.prompt_text] for example in chosen]),
            dms_ids=dms_ids,
            dms_lengths=dms_lengths,
            audio=torch.from_numpy(np.asarray(self._audio_tokens(indices), np.float32)),
            labels=torch.tensor([-1 if e.label is None else e.label for e in chosen]),
            weights=torch.from_numpy(self._weights[np.asarray(indices)].astype(np.float32)),
        )


def _padded(rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
    lengths = [len(row) for row in rows]
    ids = torch.zeros(len(rows), max(lengths), dtype=torch.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row, dtype=torch.int64)
    return ids, torch.tensor(lengths)
