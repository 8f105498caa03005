"""A frozen HTS-AT of any size: on a processor by `HtsAt`, elsewhere by `ClapAudioModel`."""

from __future__ import annotations

from typing import Self

import torch
from torch import Tensor
from transformers import ClapAudioModel

from respllm.encoders.base import AudioEncoder
from respllm.encoders.htsat import TOGETHER, HtsAt
from respllm.encoders.threads import over_threads
from respllm.types import Precision

TIME_CHUNKS = 4  # of the full size: 1024 x 64 becomes a 256 x 256 image, stretches of time stacked


class HtsatEncoder(AudioEncoder):
    """What the encoders have in common whose network is HTS-AT.

    Tokens are in raster order: per stretch of time (`chunks` of a clip), eight steps of the lowest
    frequencies, then eight of the next, so that a causal language model hears time run forward.

    Subclasses set `network`, `chunks` and `bands`, then call `settle`.
    """

    network: ClapAudioModel
    chunks: int

    _on_processor: HtsAt | None = None  # laid out when it is needed first

    def settle(self, precision: Precision) -> None:
        """Keep the network's weights in a precision, and freeze it."""
        self.precision = precision
        self._on_processor = None
        if precision == "bfloat16":
            encoder = self.network.to(torch.bfloat16).audio_encoder
            # What scales the log-mel and the tokens stays as exact as they are.
            encoder.batch_norm.float()
            encoder.norm.float()
        self.freeze()

    def _copied(self) -> Self:
        other = super()._copied()
        other._on_processor = None  # it holds weights as they were
        return other

    @torch.no_grad()
    def pooled(self, mel: Tensor) -> Tensor:
        """Log-mels (B, 256, 64) to one vector per clip, (B, A): the mean of its tokens.

        Raises:
            RespllmError: another shape.
        """
        return self.tokens(mel).mean(dim=1)

    def _encode(self, mel: Tensor) -> Tensor:
        trained = next(self.parameters()).requires_grad
        if mel.device.type == "cpu" and not trained:
            if self._on_processor is None:
                self._on_processor = HtsAt(self.network)
            return over_threads(self._on_processor, mel, TOGETHER)
        # The weights are in bfloat16 already, a few sums and norms are not.
        half = self.precision == "bfloat16"
        with torch.autocast(mel.device.type, torch.bfloat16, enabled=half):
            grouped = self.network(input_features=mel.unsqueeze(1)).last_hidden_state
        return raster(grouped.float(), self.chunks)


def raster(grouped: Tensor, chunks: int = TIME_CHUNKS) -> Tensor:
    """The network's (B, A, frequency band, time chunk x step) to tokens (B, 64, A) in time order.

    The network gathers the chunks of each band.
    """
    return grouped.unflatten(3, (chunks, -1)).permute(0, 3, 2, 4, 1).flatten(1, 3)
