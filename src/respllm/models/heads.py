"""Heads: from the last hidden states of the 64 audio positions to two logits.

Shapes: B examples, La audio positions (64), S the language model's width. The audio comes last in
a causal sequence, so its positions have read prompt and DMS too.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from respllm.config import HeadName
from respllm.errors import ConfigError

PUBLISHED_DIMENSIONS = 32


class PublishedHead(nn.Module):
    """The published reading: the first 32 of S dimensions at 64 positions, flattened."""

    def __init__(self, width: int, audio_positions: int) -> None:
        super().__init__()
        if width < PUBLISHED_DIMENSIONS:
            raise ConfigError(
                f"The published head reads {PUBLISHED_DIMENSIONS} dimensions; the LLM has {width}",
                next_step="choose head 'mean', 'last' or 'attention'",
            )
        self.classifier = nn.Linear(audio_positions * PUBLISHED_DIMENSIONS, 2)

    def forward(self, states: Tensor) -> Tensor:
        """(B, La, S) -> (B, 2)."""
        return self.classifier(states[:, :, :PUBLISHED_DIMENSIONS].flatten(1))


class LastHead(nn.Module):
    """The last position alone, which has read everything."""

    def __init__(self, width: int, audio_positions: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(width, 2)

    def forward(self, states: Tensor) -> Tensor:
        """(B, La, S) -> (B, 2)."""
        return self.classifier(states[:, -1])


class MeanHead(nn.Module):
    """The mean over the audio positions."""

    def __init__(self, width: int, audio_positions: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(width, 2)

    def forward(self, states: Tensor) -> Tensor:
        """(B, La, S) -> (B, 2)."""
        return self.classifier(states.mean(1))


class AttentionHead(nn.Module):
    """A learned weight for each audio position."""

    def __init__(self, width: int, audio_positions: int) -> None:
        super().__init__()
        self.score = nn.Linear(width, 1)
        self.classifier = nn.Linear(width, 2)

    def forward(self, states: Tensor) -> Tensor:
        """(B, La, S) -> (B, 2)."""
        weights = torch.softmax(self.score(states), dim=1)
        return self.classifier((weights * states).sum(1))


HEADS: dict[HeadName, type[nn.Module]] = {
    "published": PublishedHead,
    "last": LastHead,
    "mean": MeanHead,
    "attention": AttentionHead,
}
