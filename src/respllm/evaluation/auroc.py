"""AUROC with an interval that keeps its promise near 1.000 and with few subjects."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm, rankdata

from respllm.evaluation.gathering import ScoredClip, choose_unit, gather
from respllm.types import Score, Unit

METHOD = "Newcombe (2006) method 5, by subject"
TINY = 1e-9
Z95 = float(norm.ppf(0.975))


def auroc(labels: Sequence[int], scores: Sequence[float]) -> float:
    """Chance that a positive scores above a negative; a tie counts half (Mann-Whitney).

    Both classes must occur and scores must be finite.
    """
    positive = np.asarray(labels) == 1
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    ranks = rankdata(scores)
    wins = float(ranks[positive].sum()) - n_positive * (n_positive + 1) / 2
    return wins / (n_positive * n_negative)


def newcombe_interval(value: float, n_positive: int, n_negative: int) -> tuple[float, float]:
    """95% score interval of an AUROC (Newcombe 2006, Statistics in Medicine 25:559, method 5).

    The bounds are the two solutions t of |value - t| = 1.96 sqrt(V(t)), with Hanley and McNeil's
    variance for exponential scores in its form for two groups of the mean size,
    N = (n1 + n0) / 2 - 1:

        V(t) = t (1 - t) / (n1 n0) * (1 + N (1 - t) / (2 - t) + N t / (1 + t))

    V is taken at the bound and not at `value`: at 1.000 the interval is not a point.
    """

    def lower(observed: float) -> float:
        if observed < TINY:
            return 0.0

        def distance(t: float) -> float:
            return observed - t - Z95 * math.sqrt(_variance(t, n_positive, n_negative))

        # At observed = 1 the variance vanishes there too; the bound wanted is the other root.
        return float(brentq(distance, 0.0, observed - TINY))

    # V(t) = V(1 - t): the upper bound is the lower one of the mirrored question.
    return lower(value), 1.0 - lower(1.0 - value)


def auroc_score(scored: Sequence[ScoredClip], unit: Unit | None = None) -> Score:
    """AUROC of one task's clips with a 95% interval by subject.

    Args:
        scored: every clip of one task that has a score and a label.
        unit: what one score belongs to; by default the largest that the labels allow.

    The interval counts subjects, however many units each has. A subject with units of both
    classes counts once in each class. This is conservative where subjects have about equally many
    units, and may be too narrow where few subjects bring most of them.

    Nothing that cannot be computed is made up: without clips, with one class, with one subject or
    with a score that is no finite number, `value`, `low` and `high` are None and `note` says why.
    Constant scores give 0.5 and a note.

    Raises:
        ValueError: clips of several tasks.
        DataError: see `gather`.
    """
    tasks = sorted({clip.task_id for clip in scored})
    if len(tasks) > 1:
        raise ValueError(f"an AUROC is of one task, got clips of {', '.join(tasks)}")
    unit = unit or choose_unit(scored)
    subjects = {
        label: len({clip.subject_id for clip in scored if clip.label == label}) for label in (0, 1)
    }
    value, low, high = None, None, None
    note = _undefined(scored)
    if not note:
        units = gather(scored, unit)
        logits = [one.logit for one in units]
        value = auroc([one.label for one in units], logits)
        low, high = newcombe_interval(value, subjects[1], subjects[0])
        if len(set(logits)) == 1:
            note = "every score is the same"
    return Score(
        metric="auroc",
        value=value,
        low=low,
        high=high,
        n_records=len({clip.record_id for clip in scored}),
        n_subjects=len({clip.subject_id for clip in scored}),
        n_positive=subjects[1],
        n_negative=subjects[0],
        unit=unit,
        method=METHOD,
        note=note,
    )


def _undefined(scored: Sequence[ScoredClip]) -> str:
    """Why there is no AUROC; "" if there is one."""
    if not scored:
        return "nothing was scored"
    bad = sum(not math.isfinite(clip.logit) for clip in scored)
    if bad:
        return f"{bad} of {len(scored)} scores are not finite numbers"
    labels = {clip.label for clip in scored}
    if labels == {1}:
        return "only positives"
    if labels == {0}:
        return "only negatives"
    if len({clip.subject_id for clip in scored}) == 1:
        return "only one subject"
    return ""


def _variance(t: float, n_positive: int, n_negative: int) -> float:
    n = (n_positive + n_negative) / 2 - 1
    spread = 1 + n * (1 - t) / (2 - t) + n * t / (1 + t)
    return t * (1 - t) * spread / (n_positive * n_negative)
