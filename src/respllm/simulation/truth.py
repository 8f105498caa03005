"""The truth of a simulated cohort, to stand beside a model's answers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from respllm.errors import DataError
from respllm.simulation.cohort import TRUTH


def best_logits(data_root: Path) -> Mapping[tuple[str, str], float]:
    """Log-odds of the exact posterior of a cohort's recordings, by (task id, record id).

    It knows what is rendered as text and the parameters each sound was made from: no model can be
    better on average.

    Raises:
        DataError: `data_root` holds no simulated cohort's truth.
    """
    import pandas as pd  # slow to load

    try:
        truth = pd.read_csv(data_root / TRUTH)
    except OSError as error:
        raise DataError(
            "The cohort's truth is missing",
            where=str(data_root / TRUTH),
            next_step="simulate the cohort again",
        ) from error
    best = truth["best"].to_numpy().clip(1e-12, 1 - 1e-12)
    keys = zip(truth["task_id"], truth["record_id"], strict=True)
    return dict(zip(keys, np.log(best / (1 - best)).tolist(), strict=True))
