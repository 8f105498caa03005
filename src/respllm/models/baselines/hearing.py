"""How a baseline hears: kept tokens of the frozen encoder, or an encoder of its own."""

from __future__ import annotations

from torch import Tensor, nn

from respllm.encoders.base import TrainableEncoder
from respllm.models.baselines.standardising import Standardise


class Hearing(nn.Module):
    """Audio of a batch to standardised vectors.

    Args:
        standardise: fixed on the training part's tokens of the frozen encoder, where an own encoder
            starts too.
        encoder: trained with the baseline; None: the batch holds what the frozen one gave.
        pooled: the mean of the 64 tokens instead of the tokens.
    """

    def __init__(
        self, standardise: Standardise, encoder: TrainableEncoder | None, pooled: bool
    ) -> None:
        super().__init__()
        self.standardise = standardise
        self.encoder = encoder
        self.pooled = pooled

    @property
    def width(self) -> int:
        """A."""
        return self.standardise.width

    def forward(self, audio: Tensor) -> Tensor:
        """Log-mels (B, 256, 64) with an own encoder, else (B, 64, A) or (B, A).

        Returns:
            (B, A) if pooled, else (B, 64, A).
        """
        if self.encoder is not None:
            audio = self.encoder(audio)
            if self.pooled:
                audio = audio.mean(1)
        return self.standardise(audio)
