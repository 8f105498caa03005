"""One modality and a linear readout: Audio, DMS-hard and DMS-soft (paper 4.2)."""

from __future__ import annotations

from torch import Tensor, nn

from respllm.batching import FeatureBatch
from respllm.models.baselines.hearing import Hearing
from respllm.models.baselines.readout import Readout
from respllm.models.baselines.standardising import Standardise


class AudioOnly(nn.Module):
    """The mean of the audio tokens -> linear. The person's DMS is not read."""

    def __init__(self, hearing: Hearing, conditions: int) -> None:
        super().__init__()
        self.hearing = hearing
        self.readout = Readout(hearing.width, conditions)

    def forward(self, batch: FeatureBatch) -> Tensor:
        """Logits for the answers 0 and 1, (B, 2)."""
        return self.readout(self.hearing(batch.audio), batch.condition)


class DmsOnly(nn.Module):
    """The DMS vector, hard or soft -> linear. The recording is not heard."""

    def __init__(self, standardise: Standardise, conditions: int) -> None:
        super().__init__()
        self.standardise = standardise
        self.readout = Readout(standardise.width, conditions)

    def forward(self, batch: FeatureBatch) -> Tensor:
        """Logits for the answers 0 and 1, (B, 2)."""
        return self.readout(self.standardise(batch.dms), batch.condition)
