"""Examples as vectors: what the baselines read instead of a sequence of words and sounds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
import torch
from torch import Tensor

from respllm.audio.frontend import N_FRAMES, N_MELS
from respllm.batching.preparing import Heard, hear
from respllm.encoders import load_encoder
from respllm.errors import DataError
from respllm.types import Example

READ_AT_ONCE = 256
"""Clips whose tokens are in memory at once while they are averaged."""

AudioRows = Callable[[Sequence[int]], np.ndarray]


@dataclass(frozen=True, slots=True)
class FeatureBatch:
    """B examples. A is the audio width, D the width of the DMS vector; 0 where a model reads none.

    Attributes:
        audio: (B, A) mean tokens, (B, 64, A) tokens, or (B, 256, 64) log-mels; float32.
        dms: (B, D) float32.
        condition: (B,) int64, the number of the output that is read.
        labels: (B,) int64; -1 where unknown.
        weights: (B,) float32, each example's weight in the loss.
    """

    audio: Tensor
    dms: Tensor
    condition: Tensor
    labels: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device | str) -> FeatureBatch:
        """The same batch on another device."""
        return replace(
            self,
            **{f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)},
        )


class FeatureSet:
    """Examples that can be batched in any composition, like `ExampleSet`.

    Args:
        examples: what is asked.
        audio: positions in `examples` -> their audio, as `FeatureBatch` holds it; None: not read.
        dms: (n, D) float32; None: not read.
        condition: (n,) the output that each example reads; None: the first.
        weights: each example's weight in the loss; None weighs all alike.
    """

    def __init__(
        self,
        examples: Sequence[Example],
        audio: AudioRows | None = None,
        dms: np.ndarray | None = None,
        condition: np.ndarray | None = None,
        weights: np.ndarray | None = None,
    ) -> None:
        size = len(examples)
        self.examples = tuple(examples)
        self._audio = audio or (lambda rows: np.zeros((len(rows), 0), np.float32))
        self._dms = np.zeros((size, 0), np.float32) if dms is None else dms
        self._condition = np.zeros(size, np.int64) if condition is None else condition
        self._weights = np.ones(size, np.float32) if weights is None else weights
        assert len(self._dms) == len(self._condition) == len(self._weights) == size

    def __len__(self) -> int:
        return len(self.examples)

    def sort_key(self, index: int) -> int:
        """Every example costs the same."""
        return 0

    def batch(self, indices: Sequence[int]) -> FeatureBatch:
        """The examples at these positions, in this order."""
        rows = np.asarray(indices, int)
        labels = [self.examples[i].label for i in rows]
        return FeatureBatch(
            audio=torch.from_numpy(np.asarray(self._audio(rows.tolist()), np.float32)),
            dms=torch.from_numpy(self._dms[rows].astype(np.float32)),
            condition=torch.from_numpy(self._condition[rows].astype(np.int64)),
            labels=torch.tensor([-1 if label is None else label for label in labels]),
            weights=torch.from_numpy(self._weights[rows].astype(np.float32)),
        )


def pooled_tokens(heard: Heard) -> np.ndarray:
    """The mean of each example's 64 audio tokens, (n, A) float32 (OPERA's pooled output)."""
    positions = range(len(heard.examples))
    parts = [
        heard.tokens(positions[start : start + READ_AT_ONCE]).mean(1)
        for start in range(0, len(positions), READ_AT_ONCE)
    ]
    return np.concatenate(parts) if parts else np.zeros((0, 0), np.float32)


def log_mel_rows(heard: Heard) -> AudioRows:
    """Positions -> log-mels (n, 256, 64), for an encoder that is trained.

    The tokens of the encoder without weights are the log-mel itself, laid out in another shape: so
    they come through the same decoding, checks and cache as all others.

    Raises:
        DataError: a recording that was heard before cannot be heard any more.
    """
    mels = hear(heard.examples, load_encoder("mel-patch"))
    if mels.skipped:
        first = mels.skipped[0]
        raise DataError(
            f"{len(mels.skipped)} recordings cannot be heard any more: {first.reason}",
            where=str(first.path),
            next_step="leave the data root alone while a model is trained or tested on it",
        )
    return lambda positions: mels.tokens(positions).reshape(len(positions), N_FRAMES, N_MELS)
