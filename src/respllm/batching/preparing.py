"""From selected examples to examples whose audio tokens are at hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from respllm.encoders import AudioEncoder, EncodedClips, Skipped, encode_clips
from respllm.types import Example


@dataclass(frozen=True, slots=True)
class Heard:
    """Examples that can be heard, and those that cannot.

    Attributes:
        examples: with usable audio, in the order given.
        skipped: clips without, each once, with the reason.
    """

    examples: tuple[Example, ...]
    skipped: tuple[Skipped, ...]
    _encoded: EncodedClips
    _rows: np.ndarray

    def tokens(self, positions: Sequence[int]) -> np.ndarray:
        """Audio tokens of the examples at these positions, (n, 64, A) float32."""
        return self._encoded.tokens(self._rows[np.asarray(positions)].tolist())

    def where(self, keep: Callable[[Example], bool]) -> Heard:
        """Those examples for which `keep` holds."""
        rows = [i for i, example in enumerate(self.examples) if keep(example)]
        return Heard(
            tuple(self.examples[i] for i in rows), self.skipped, self._encoded, self._rows[rows]
        )


def hear(
    examples: Sequence[Example],
    encoder: AudioEncoder,
    *,
    strict: bool = False,
    cache_dir: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Heard:
    """Encode the clips of examples, or read their tokens from the cache.

    Args:
        strict: raise at the first recording that cannot be heard, instead of skipping it.
        progress: called with (clips done, clips in all).
    """
    encoded = encode_clips(
        [example.clip for example in examples],
        encoder,
        strict=strict,
        cache_dir=cache_dir,
        progress=progress,
    )
    rows = np.flatnonzero(encoded.usable)
    skipped = tuple(dict.fromkeys(encoded.skipped))  # several examples may ask about one clip
    return Heard(tuple(examples[int(i)] for i in rows), skipped, encoded, rows)
