"""What an encoder is pretrained on: other crops, hidden patches, what a patch sounds like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import ClapAudioModel

from respllm.audio.describing import KINDS
from respllm.encoders.architectures import Architecture
from respllm.encoders.htsat_encoder import raster
from respllm.pretraining.audio.settings import Objectives
from respllm.pretraining.audio.views import ViewBatch, patches

SHARED_WIDTH = 128  # of the space two crops are compared in
SMALLEST_SPREAD = 0.01
SPREAD = 0.15  # of a log-mel in [0, 1], about: errors are told in it


@dataclass(frozen=True, slots=True)
class Outcome:
    """One batch's losses, each a scalar, None where an objective has no weight.

    Attributes:
        loss: their weighted sum.
        found: share of recordings whose other crop was found among the batch.
    """

    loss: Tensor
    contrastive: Tensor | None
    reconstruction: Tensor | None
    description: Tensor | None
    found: Tensor | None


class Pretrainer(nn.Module):
    """A network with the heads that only pretraining needs.

    Contrastive, as OPERA-CT (Zhang et al. 2024; after COLA, Saeed et al. 2021): mean token ->
    linear, layer norm, tanh -> bilinear similarity, cross-entropy over the batch. Reconstruction:
    a linear map from each token to its patch; the error counts where the patch was hidden (SimMIM,
    Xie et al. 2022). Description: a linear map from each token to what is `described` of its patch,
    standardised: knowledge as a target, as Elbanna et al. 2022 (BYOL-S) take it from openSMILE.

    Batch norm keeps the statistics it is given: a view's loss depends on no other view's level.

    Args:
        network: is trained in place.
        architecture: its size.
        weights: of the objectives.
        seed: of the heads' first weights.
    """

    def __init__(
        self, network: ClapAudioModel, architecture: Architecture, weights: Objectives, seed: int
    ) -> None:
        super().__init__()
        self.network = network
        # Its gradient would pass the bicubic stretching, which has no fixed order on a GPU.
        network.audio_encoder.batch_norm.requires_grad_(False)
        self.architecture = architecture
        self.weights = weights
        width = architecture.width
        frames, bands = architecture.patch
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.shared = nn.Sequential(
                nn.Linear(width, SHARED_WIDTH), nn.LayerNorm(SHARED_WIDTH), nn.Tanh()
            )
            self.similarity = nn.Linear(SHARED_WIDTH, SHARED_WIDTH, bias=False)
            self.fill = nn.Linear(width, frames * bands)
            self.tell = nn.Linear(width, KINDS * bands)
        self.told_mean: Tensor
        self.told_spread: Tensor
        self.register_buffer("told_mean", torch.zeros(KINDS * bands))
        self.register_buffer("told_spread", torch.ones(KINDS * bands))

    def set_scale(self, batches: Sequence[ViewBatch]) -> None:
        """Take means and spreads from some batches: of mel bands for the network's batch norm, and
        of what patches are described by."""
        mel = torch.cat([batch.whole for batch in batches])
        norm = self.network.audio_encoder.batch_norm
        norm.running_mean.copy_(mel.mean(dim=(0, 1)))
        norm.running_var.copy_(mel.var(dim=(0, 1)))
        if self.weights.description:
            told = torch.cat([batch.told for batch in batches])
            self.told_mean.copy_(told.mean(dim=(0, 1)))
            # What never varies, as nothing above a device's band does, is not blown up.
            self.told_spread.copy_(told.std(dim=(0, 1)).clamp(min=SMALLEST_SPREAD))

    def train(self, mode: bool = True) -> Pretrainer:
        """Batch norm stays as it is."""
        super().train(mode)
        self.network.audio_encoder.batch_norm.eval()
        return self

    def forward(self, batch: ViewBatch) -> Outcome:
        """The losses of a batch of views."""
        size = len(batch.whole)
        grouped = self.network(input_features=batch.mel[:, None]).last_hidden_state
        tokens = raster(grouped, self.architecture.chunks)
        total = tokens.new_zeros((), dtype=torch.float32)
        contrastive = reconstruction = description = found = None
        if self.weights.contrastive:
            one, other = self.shared(tokens.mean(dim=1)).split(size)
            scores = (self.similarity(one) @ other.T).float()
            answer = torch.arange(size, device=scores.device)
            taken = batch.same & ~torch.eye(size, dtype=torch.bool, device=scores.device)
            scores = scores.masked_fill(taken, -torch.inf)
            contrastive = F.cross_entropy(scores, answer)
            found = (scores.argmax(dim=1) == answer).float().mean()
            total = total + self.weights.contrastive * contrastive
        if self.weights.reconstruction:
            wanted = patches(batch.whole, self.architecture)
            error = (self.fill(tokens[:size]).float() - wanted) / SPREAD
            per_patch = error.square().mean(dim=2)
            count = batch.hidden.sum().clamp(min=1)
            reconstruction = (per_patch * batch.hidden).sum() / count
            total = total + self.weights.reconstruction * reconstruction
        if self.weights.description:
            wanted = (batch.told - self.told_mean) / self.told_spread
            description = F.mse_loss(self.tell(tokens).float(), wanted)
            total = total + self.weights.description * description
        return Outcome(total, contrastive, reconstruction, description, found)
