"""How large a step of an optimiser is."""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["cosine", "linear", "constant"]


def learning_rate(
    peak: float, warmup_fraction: float, step: int, total: int, schedule: Schedule = "cosine"
) -> float:
    """The rate of step number `step` (from 0) of `total`.

    Args:
        peak: is reached by a linear rise over `warmup_fraction` of all steps.
        schedule: what follows; all but "constant" end at 0.
    """
    warmup = round(warmup_fraction * total)
    if step < warmup:
        return peak * (step + 1) / warmup
    left = 1 - (step - warmup) / max(1, total - warmup)
    factor = {
        "constant": 1.0,
        "linear": left,
        "cosine": 0.5 - 0.5 * math.cos(math.pi * left),
    }[schedule]
    return peak * factor
