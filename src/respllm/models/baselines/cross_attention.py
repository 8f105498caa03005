"""Fusion by cross-attention (Wang et al. 2022; paper 4.3, Fusion-CrossAttn)."""

from __future__ import annotations

from torch import Tensor, nn

from respllm.batching import FeatureBatch
from respllm.errors import ConfigError
from respllm.models.baselines.hearing import Hearing
from respllm.models.baselines.readout import Readout
from respllm.models.baselines.standardising import Standardise

HEADS = 8


class CrossAttentionFusion(nn.Module):
    """The text vector asks the 64 audio tokens, 8 heads; what it gets is added to it -> linear.

    Raises:
        ConfigError: a text vector that 8 heads cannot share.
    """

    def __init__(self, hearing: Hearing, standardise: Standardise, conditions: int) -> None:
        super().__init__()
        width = standardise.width
        if width % HEADS:
            raise ConfigError(
                f"The text embedding is {width} wide, which {HEADS} heads cannot share",
                where="baseline fusion-crossattn",
                expected=f"a multiple of {HEADS}",
                next_step="choose another language model, or text: bert",
            )
        self.hearing = hearing
        self.standardise = standardise
        self.attention = nn.MultiheadAttention(
            width, HEADS, kdim=hearing.width, vdim=hearing.width, batch_first=True
        )
        self.readout = Readout(width, conditions)

    def forward(self, batch: FeatureBatch) -> Tensor:
        """Logits for the answers 0 and 1, (B, 2)."""
        text = self.standardise(batch.dms)
        tokens = self.hearing(batch.audio)
        heard, _ = self.attention(text[:, None], tokens, tokens, need_weights=False)
        return self.readout(text + heard.squeeze(1), batch.condition)
