"""What an audio encoder is: a frozen network from log-mel to 64 audio tokens."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from respllm.audio.frontend import N_FRAMES, N_MELS
from respllm.errors import ConfigError, RespllmError
from respllm.types import Precision

N_TOKENS = 64


class AudioEncoder(nn.Module, ABC):
    """A frozen encoder: (B, 256, 64) log-mels to (B, 64, A) audio tokens in time order.

    It stays in eval mode whatever `train()` is called with, and its parameters need no gradient:
    a clip's tokens depend on nothing but the clip, so they can be computed once and kept.

    Subclasses build their modules, call `freeze()` at the end of `__init__`, and implement
    `_encode`.

    Attributes:
        name: registry name.
        identity: name, weights' hash and front-end version: what a model was trained with. Made of
            letters, digits, "." and "-".
        width: A, the size of one token.
        n_tokens: tokens per clip, 64.
        bands: tokens that share a step of time, from low to high frequencies. With several, tokens
            come in stretches of eight steps: first all steps of the lowest band.
        precision: what the network computes in; tokens come out in float32.
        heard: file that tells as hashes whom its weights have heard (`respllm.tasks.Learned`);
            None where there are no weights or that was not written down.
    """

    name: str
    identity: str
    width: int
    n_tokens: int = N_TOKENS
    bands: int = 1
    precision: Precision = "float32"
    heard: Path | None = None

    @property
    def cache_identity(self) -> str:
        """The folder of the token cache: those of two precisions differ, so they never mix."""
        return self.identity if self.precision == "float32" else f"{self.identity}-bf16"

    def freeze(self) -> None:
        """Switch to eval mode for good; no parameter needs a gradient."""
        self.requires_grad_(False)
        super().train(False)

    def train(self, mode: bool = True) -> Self:
        """Stay in eval mode: a model that trains may call this on all its parts."""
        return super().train(False)

    @property
    def device(self) -> torch.device:
        """Where the weights are; the CPU for an encoder without weights."""
        return next((p.device for p in self.parameters()), torch.device("cpu"))

    @torch.no_grad()
    def tokens(self, mel: Tensor | np.ndarray) -> Tensor:
        """Log-mels (B, 256, 64), from `respllm.audio.log_mel`, to audio tokens (B, 64, A).

        Raises:
            RespllmError: another shape.
        """
        return self.differentiable_tokens(mel)

    def differentiable_tokens(self, mel: Tensor | np.ndarray) -> Tensor:
        """As `tokens`; weights that need a gradient get one."""
        mel = self._checked(mel)
        if not len(mel):
            return mel.new_empty((0, self.n_tokens, self.width))
        return self._encode(mel)

    @property
    def has_weights(self) -> bool:
        """Whether there is anything to train in a copy."""
        return next(self.parameters(), None) is not None

    def trainable_copy(self) -> TrainableEncoder:
        """A copy whose weights are trained; this encoder stays as it is.

        Raises:
            ConfigError: an encoder without weights, or with weights in bfloat16.
        """
        if not self.has_weights:
            raise ConfigError(
                f"The encoder {self.name!r} has no weights to train",
                next_step="choose the encoder 'opera-ct', or train on the tokens as they are",
            )
        if self.precision != "float32":
            raise ConfigError(
                f"The encoder {self.name!r} holds its weights in {self.precision}: too coarse to "
                "learn in small steps",
                expected="float32",
                next_step="load the encoder in float32",
            )
        return TrainableEncoder(self._copied())

    def _copied(self) -> Self:
        """A copy that shares nothing with this one."""
        return copy.deepcopy(self)

    @abstractmethod
    def _encode(self, mel: Tensor) -> Tensor:
        """(B, 256, 64), B >= 1, to (B, 64, A)."""

    def _checked(self, mel: Tensor | np.ndarray) -> Tensor:
        mel = torch.as_tensor(mel)
        if mel.ndim != 3 or tuple(mel.shape[1:]) != (N_FRAMES, N_MELS):
            raise RespllmError(
                f"Got a tensor of shape {tuple(mel.shape)}",
                where=f"encoder {self.name}",
                expected=f"log-mels (B, {N_FRAMES}, {N_MELS}), time x mel",
                next_step="use respllm.audio.log_mel, one per clip",
            )
        return mel.detach()


class TrainableEncoder(nn.Module):
    """An encoder that is trained, for the baselines that adapt it: log-mels to audio tokens.

    Every weight gets a gradient. The network keeps computing as in evaluation: batch norm uses the
    checkpoint's statistics (its scale and shift are trained), and there is no dropout and no
    stochastic depth. So a clip's tokens depend on that clip alone while training too, whatever
    shares its batch; what is validated is what was trained; and the statistics of 64 bands, learned
    from far more recordings than a task has, do not drift. The published code lets them drift and
    drops paths (0.1); both only regularise, and the kept model is the best on validation people.

    Args:
        encoder: a copy that nobody else uses.
    """

    def __init__(self, encoder: AudioEncoder) -> None:
        super().__init__()
        self.encoder = encoder.requires_grad_(True)

    def forward(self, mel: Tensor) -> Tensor:
        """(B, 256, 64) to (B, 64, A), with gradients."""
        return self.encoder.differentiable_tokens(mel)
