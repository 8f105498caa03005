"""A share of units with an interval by subject."""

from __future__ import annotations

import numpy as np

from respllm.evaluation.assessment import Estimate

UNDEFINED = Estimate(None, None, None)


def proportion(hits: np.ndarray, people: np.ndarray) -> Estimate:
    """Share of units that are hits, with a 95% interval by subject; undefined without units.

    Args:
        hits: (n,) bool.
        people: (n,) who each unit is of, as whole numbers.
    """
    if not len(hits):
        return UNDEFINED
    share = float(hits.mean())
    low, high = wilson_bounds(share, effective_people(people))
    return Estimate(share, float(low), float(high))


def wilson_bounds(share: float | np.ndarray, count: float) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's (1927) 95% interval of one or many shares of `count`; no point at 0 or 1."""
    from statsmodels.stats.proportion import proportion_confint

    share = np.asarray(share, float)
    low, high = proportion_confint(share * count, count, alpha=0.05, method="wilson")
    # Rounding must not put a share outside its own interval.
    return np.clip(np.minimum(low, share), 0, 1), np.clip(np.maximum(high, share), 0, 1)


def effective_people(people: np.ndarray) -> float:
    """How many people the units are worth if all units of one person are alike (Kish 1965).

    (sum m)^2 / sum m^2 for people with m units each: the number of people where all have equally
    many. Shares then have intervals that are too wide where one person's units differ, and never
    rest on an estimate of how alike they are, which few people cannot give.

    Args:
        people: (n,) who each unit is of, as whole numbers; n is at least 1.
    """
    _, sizes = np.unique(people, return_counts=True)
    return float(len(people) ** 2 / (sizes**2).sum())
