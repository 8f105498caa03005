"""The two sizes of HTS-AT that are pretrained here, through `transformers`' ClapAudioModel."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from respllm.audio.frontend import N_FRAMES, N_MELS
from respllm.encoders.base import N_TOKENS

if TYPE_CHECKING:
    from torch import Tensor
    from transformers import ClapAudioConfig


@dataclass(frozen=True, slots=True)
class Architecture:
    """A size of HTS-AT whose last grid has 8 x 8 positions: 64 tokens.

    Attributes:
        name: registry name of its encoder.
        side: of the square image that a log-mel is folded into.
        first_width: of the first stage; each further stage is twice as wide.
        depths, heads: blocks, and attention heads, of each stage.
    """

    name: str
    side: int
    first_width: int
    depths: tuple[int, ...]
    heads: tuple[int, ...]

    @property
    def width(self) -> int:
        """A, the size of one token."""
        return self.first_width * 2 ** (len(self.depths) - 1)

    @property
    def chunks(self) -> int:
        """Stretches of time that lie above one another in the image."""
        return self.side // N_MELS

    @property
    def bands(self) -> int:
        """Tokens that share a step of time, from low to high frequencies."""
        return 8 // self.chunks

    @property
    def steps(self) -> int:
        """Steps of time of a clip."""
        return N_TOKENS // self.bands

    @property
    def patch(self) -> tuple[int, int]:
        """What a token stands for: frames, mel bands."""
        return N_FRAMES // self.steps, N_MELS // self.bands

    def in_token_order(self, cut: Tensor) -> Tensor:
        """(B, steps, bands, values) to (B, 64, values): stretches of 8 steps, each low to high."""
        return cut.unflatten(1, (self.chunks, 8)).transpose(2, 3).flatten(1, 3)

    def config(self) -> ClapAudioConfig:
        """The settings of `ClapAudioModel`; no dropout: augmented views regularise."""
        from transformers import ClapAudioConfig

        return ClapAudioConfig(
            spec_size=self.side,
            patch_embeds_hidden_size=self.first_width,
            depths=list(self.depths),
            num_attention_heads=list(self.heads),
            num_hidden_layers=len(self.depths),
            hidden_size=self.width,
            hidden_dropout_prob=0.0,
        )


ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {
        one.name: one
        for one in (
            Architecture("htsat", 256, 96, (2, 2, 6, 2), (4, 8, 16, 32)),
            # The image of half the side takes a log-mel as it is, without stretching it fourfold
            # in time: a quarter of the positions, and three stages to the same 64 tokens.
            Architecture("htsat-small", 128, 64, (2, 2, 6), (4, 8, 16)),
        )
    }
)
"""Registry name -> architecture."""
