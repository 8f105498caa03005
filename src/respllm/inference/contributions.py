"""What the sound and the stated words each did to an answer: the exact Shapley value of two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

import numpy as np

from respllm.inference.answer import Contributions
from respllm.types import Example

METHOD = (
    "Shapley value of sound and text (exact, of two), in log-odds. Neutral sound: the mean audio "
    "tokens of the training clips, a clip like all others. Neutral text: nothing stated. The base "
    "is the answer to both."
)


@dataclass(frozen=True, slots=True)
class Variants:
    """What must be asked besides a recording itself, to tell what sound and text did.

    Attributes:
        untold: the recording's clips with nothing stated; none where nothing was stated anyway.
        unheard: the stated words with the neutral sound; None likewise.
    """

    untold: tuple[Example, ...]
    unheard: Example | None


def variants_of(examples: Sequence[Example]) -> Variants:
    """The variants of a recording's clips, which share their words."""
    if not examples[0].dms_text:
        return Variants((), None)
    return Variants(tuple(replace(one, dms_text="") for one in examples), examples[0])


def neutral_example(example: Example) -> Example:
    """The same question with nothing stated."""
    return replace(example, dms_text="")


def shapley(
    told: Sequence[float],
    untold: Sequence[float],
    unheard: float | None,
    neither: float,
    correction: float,
) -> Contributions:
    """Divide a recording's log-odds between base, sound and text.

    Args:
        told: log-odds of the clips as asked.
        untold: of the clips with nothing stated; empty where nothing was stated anyway.
        unheard: of the neutral sound with the stated words; None likewise.
        neither: of the neutral sound with nothing stated.
        correction: of the training prior, which the base carries.
    """
    both = fmean(told)
    sound_alone = fmean(untold) if untold else both
    text_alone = neither if unheard is None else unheard
    audio = ((both - text_alone) + (sound_alone - neither)) / 2
    text = ((both - sound_alone) + (text_alone - neither)) / 2
    return Contributions(neither + correction, audio, text, METHOD)


def neutral_tokens(mean_tokens: np.ndarray, count: int) -> np.ndarray:
    """The neutral sound `count` times, (count, 64, A)."""
    return np.broadcast_to(mean_tokens, (count, *mean_tokens.shape))
