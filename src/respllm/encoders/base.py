"""What an audio encoder is: a frozen network from log-mel to 64 audio tokens."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Self

import numpy as np
import torch
from torch import Tensor, nn

from respllm.audio.frontend import N_FRAMES, N_MELS
from respllm.errors import RespllmError

N_TOKENS = 64


class AudioEncoder(nn.Module, ABC):
    """A frozen encoder: (B, 256, 64) log-mels to (B, 64, A) audio tokens in time order.

    It stays in eval mode whatever `train()` is called with, and its parameters need no gradient:
    a clip's tokens depend on nothing but the clip, so they can be computed once and kept.

    Subclasses build their modules, call `freeze()` at the end of `__init__`, and implement
    `_encode`.

    Attributes:
        name: registry name.
        identity: name, weights' hash and front-end version. Equal identities give equal tokens;
            it names a folder of the token cache, so it is made of letters, digits, "." and "-".
        width: A, the size of one token.
        n_tokens: tokens per clip, 64.
    """

    name: str
    identity: str
    width: int
    n_tokens: int = N_TOKENS

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
        mel = self._checked(mel)
        if not len(mel):
            return mel.new_empty((0, self.n_tokens, self.width))
        return self._encode(mel)

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
