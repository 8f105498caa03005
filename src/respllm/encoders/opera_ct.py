"""OPERA-CT: the HTS-AT encoder that the paper uses, through `transformers`' ClapAudioModel."""

from __future__ import annotations

from pathlib import Path
from typing import Self

import torch
from torch import Tensor
from transformers import ClapAudioConfig, ClapAudioModel

from respllm.audio.frontend import FRONTEND
from respllm.encoders import opera_checkpoint
from respllm.encoders.base import AudioEncoder
from respllm.encoders.htsat import TOGETHER, HtsAt
from respllm.encoders.threads import over_threads
from respllm.types import Precision

TIME_CHUNKS = 4  # HTS-AT folds 1024 x 64 into a 256 x 256 image: four stretches of time, stacked


class OperaCT(AudioEncoder):
    """HTS-AT (28 M parameters) with OPERA-CT's weights: A = 768.

    Tokens are in raster order: per quarter of the clip, eight steps of the low frequencies, then
    eight of the high ones, so that a causal language model hears time run forward.

    Args:
        checkpoint: a checkpoint file in the published layout; None fetches the published one.
        precision: what the network computes in. In bfloat16 tokens differ by about 1%.

    Attributes:
        report: what the checkpoint file held (path, sha256, loaded, dropped, parameters).

    Raises:
        CheckpointError: the checkpoint cannot be fetched or read, or belongs to another model.
    """

    name = "opera-ct"
    width = 768

    _on_processor: HtsAt | None = None  # laid out when it is needed first

    def __init__(self, checkpoint: Path | None = None, precision: Precision = "float32") -> None:
        super().__init__()
        path = opera_checkpoint.fetch() if checkpoint is None else checkpoint
        with torch.random.fork_rng(devices=[]):  # the weights drawn here are all replaced
            self.network = ClapAudioModel(ClapAudioConfig())
        state, self.report = opera_checkpoint.read(path, self.network.state_dict())
        self.network.load_state_dict(state, strict=True)
        self.identity = f"{self.name}-{self.report.sha256[:16]}-{FRONTEND}"
        self.settle(precision)

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
        """Log-mels (B, 256, 64) to one vector per clip, (B, 768): the mean of its tokens.

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
        return raster(grouped.float())


def raster(grouped: Tensor) -> Tensor:
    """The network's (B, A, frequency half, time chunk x step) to tokens (B, 64, A) in time order.

    The network gathers the chunks of each half.
    """
    chunks = grouped.unflatten(3, (TIME_CHUNKS, -1))
    return chunks.permute(0, 3, 2, 4, 1).flatten(1, 3)
