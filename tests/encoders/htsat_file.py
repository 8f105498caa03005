"""A checkpoint as `respllm pretrain audio` writes it, with random weights."""

from __future__ import annotations

from pathlib import Path

import torch

from respllm.encoders import htsat_checkpoint
from respllm.encoders.architectures import ARCHITECTURES
from respllm.encoders.pretrained import new_network


def write_random(folder: Path, name: str = "htsat-small", seed: int = 1) -> Path:
    """Weights drawn from a seed, with a batch norm that has seen log-mels; the folder."""
    network = new_network(ARCHITECTURES[name], seed)
    norm = network.audio_encoder.batch_norm
    norm.running_mean.fill_(0.4)
    norm.running_var.copy_(torch.linspace(0.01, 0.1, 64))
    htsat_checkpoint.save(folder, ARCHITECTURES[name], network.state_dict(), {"seed": seed})
    return folder
