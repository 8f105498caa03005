"""OPERA-CT: the HTS-AT encoder that the paper uses, through `transformers`' ClapAudioModel."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from transformers import ClapAudioConfig, ClapAudioModel
from transformers.modeling_outputs import BaseModelOutputWithPooling

from respllm.audio.frontend import FRONTEND
from respllm.encoders import opera_checkpoint
from respllm.encoders.base import AudioEncoder

TIME_CHUNKS = 4  # HTS-AT folds 1024 x 64 into a 256 x 256 image: four stretches of time, stacked
CPU_BATCH = 4  # larger ones outgrow a processor's caches: at 16, each clip takes twice as long


class OperaCT(AudioEncoder):
    """HTS-AT (28 M parameters) with OPERA-CT's weights: A = 768.

    Tokens are in raster order: per quarter of the clip, eight steps of the low frequencies, then
    eight of the high ones, so that a causal language model hears time run forward.

    Args:
        checkpoint: a checkpoint file in the published layout; None fetches the published one.

    Attributes:
        report: what the checkpoint file held (path, sha256, loaded, dropped, parameters).

    Raises:
        CheckpointError: the checkpoint cannot be fetched or read, or belongs to another model.
    """

    name = "opera-ct"
    width = 768

    def __init__(self, checkpoint: Path | None = None) -> None:
        super().__init__()
        path = opera_checkpoint.fetch() if checkpoint is None else checkpoint
        with torch.random.fork_rng(devices=[]):  # the weights drawn here are all replaced
            self.network = ClapAudioModel(ClapAudioConfig())
        state, self.report = opera_checkpoint.read(path, self.network.state_dict())
        self.network.load_state_dict(state, strict=True)
        self.identity = f"{self.name}-{self.report.sha256[:16]}-{FRONTEND}"
        self.freeze()

    @torch.no_grad()
    def pooled(self, mel: Tensor) -> Tensor:
        """Log-mels (B, 256, 64) to one vector per clip, (B, 768): the mean of its tokens.

        Raises:
            RespllmError: another shape.
        """
        return self._run(self._checked(mel)).pooler_output

    def _encode(self, mel: Tensor) -> Tensor:
        part = CPU_BATCH if mel.device.type == "cpu" else len(mel)
        return torch.cat([self._raster(some) for some in mel.split(part)])

    def _raster(self, mel: Tensor) -> Tensor:
        # (B, A, frequency half, time chunk x step): the model gathers the chunks of each half.
        grouped = self._run(mel).last_hidden_state
        chunks = grouped.unflatten(3, (TIME_CHUNKS, -1))
        return chunks.permute(0, 3, 2, 4, 1).flatten(1, 3)

    def _run(self, mel: Tensor) -> BaseModelOutputWithPooling:
        return self.network(input_features=mel.unsqueeze(1))
