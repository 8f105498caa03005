"""Fusion by addition (Blandfort et al. 2019; paper 4.3, Fusion-Add)."""

from __future__ import annotations

from torch import Tensor, nn

from respllm.batching import FeatureBatch
from respllm.models.baselines.hearing import Hearing
from respllm.models.baselines.readout import Readout
from respllm.models.baselines.standardising import Standardise


class AdditionFusion(nn.Module):
    """The mean audio token, projected to the text vector's width, plus that vector -> linear.

    In the published code both are 768 wide and added as they are; ours must also fit encoders of
    other widths, so the audio passes one linear layer first.
    """

    def __init__(self, hearing: Hearing, standardise: Standardise, conditions: int) -> None:
        super().__init__()
        self.hearing = hearing
        self.standardise = standardise
        self.projector = nn.Linear(hearing.width, standardise.width)
        self.readout = Readout(standardise.width, conditions)

    def forward(self, batch: FeatureBatch) -> Tensor:
        """Logits for the answers 0 and 1, (B, 2)."""
        audio = self.projector(self.hearing(batch.audio))
        return self.readout(audio + self.standardise(batch.dms), batch.condition)
