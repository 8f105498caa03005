"""What the model reads at once: tensors only."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Batch:
    """B examples that ask P different questions.

    Shapes: Lp, Ld are the longest prompt and DMS text in tokens; A is the audio width. Text is
    padded on the right; what the padding holds is never read.

    Attributes:
        prompt_ids: (P, Lp) int64, each distinct prompt once.
        prompt_lengths: (P,) int64.
        prompt_of: (B,) int64, the row of `prompt_ids` that an example's prompt is in.
        dms_ids: (B, Ld) int64.
        dms_lengths: (B,) int64; 0 where nothing is stated.
        audio: (B, 64, A) float32 audio tokens.
        labels: (B,) int64; -1 where unknown.
        weights: (B,) float32, each example's weight in the loss.
    """

    prompt_ids: Tensor
    prompt_lengths: Tensor
    prompt_of: Tensor
    dms_ids: Tensor
    dms_lengths: Tensor
    audio: Tensor
    labels: Tensor
    weights: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device | str) -> Batch:
        """The same batch on another device."""
        return replace(
            self,
            **{f.name: getattr(self, f.name).to(device, non_blocking=True) for f in fields(self)},
        )
