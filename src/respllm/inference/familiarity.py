"""Is a recording unlike those the model learned from?"""

from __future__ import annotations

import numpy as np

from respllm.inference.answer import Familiarity
from respllm.models.familiar import UNUSUAL, Familiar

UNLIKE = (
    "Unlike the training data: this recording sounds stranger than nearly all recordings of "
    "people held back in training, so the answer may mean little."
)


def familiarity(familiar: Familiar, tokens: np.ndarray) -> Familiarity:
    """Judge a recording by its clips' audio tokens, (clips, 64, A)."""
    percentile = familiar.percentile(familiar.distance(tokens))
    return Familiarity(percentile, percentile > UNUSUAL)
