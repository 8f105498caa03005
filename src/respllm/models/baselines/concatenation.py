"""Fusion by concatenation: Fusion-hard (Han et al. 2021), Fusion-soft (Kim et al. 2024)."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from respllm.batching import FeatureBatch
from respllm.models.baselines.hearing import Hearing
from respllm.models.baselines.readout import Readout
from respllm.models.baselines.standardising import Standardise


class ConcatenationFusion(nn.Module):
    """[mean audio token; DMS vector] -> batch norm -> linear. No dropout after the logits."""

    def __init__(self, hearing: Hearing, standardise: Standardise, conditions: int) -> None:
        super().__init__()
        self.hearing = hearing
        self.standardise = standardise
        width = hearing.width + standardise.width
        self.norm = nn.BatchNorm1d(width)
        self.readout = Readout(width, conditions)

    def forward(self, batch: FeatureBatch) -> Tensor:
        """Logits for the answers 0 and 1, (B, 2)."""
        both = torch.cat([self.hearing(batch.audio), self.standardise(batch.dms)], dim=1)
        return self.readout(self._normed(both), batch.condition)

    def _normed(self, both: Tensor) -> Tensor:
        if self.training and len(both) == 1:  # one example, alone in a batch, has no spread
            norm = self.norm
            return nn.functional.batch_norm(
                both, norm.running_mean, norm.running_var, norm.weight, norm.bias, eps=norm.eps
            )
        return self.norm(both)
