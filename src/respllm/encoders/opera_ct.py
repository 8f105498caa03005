"""OPERA-CT: the HTS-AT encoder that the paper uses, through `transformers`' ClapAudioModel."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import ClapAudioConfig, ClapAudioModel

from respllm.audio.frontend import FRONTEND
from respllm.encoders import opera_checkpoint
from respllm.encoders.htsat_encoder import TIME_CHUNKS, HtsatEncoder
from respllm.types import Precision


class OperaCT(HtsatEncoder):
    """HTS-AT (28 M parameters) with OPERA-CT's weights: A = 768.

    Tokens are in raster order: per quarter of the clip, eight steps of the low frequencies, then
    eight of the high ones.

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
    chunks = TIME_CHUNKS
    bands = 2

    def __init__(self, checkpoint: Path | None = None, precision: Precision = "float32") -> None:
        super().__init__()
        path = opera_checkpoint.fetch() if checkpoint is None else checkpoint
        with torch.random.fork_rng(devices=[]):  # the weights drawn here are all replaced
            self.network = ClapAudioModel(ClapAudioConfig())
        state, self.report = opera_checkpoint.read(path, self.network.state_dict())
        self.network.load_state_dict(state, strict=True)
        self.identity = f"{self.name}-{self.report.sha256[:16]}-{FRONTEND}"
        self.settle(precision)
