"""AUROC with an interval that keeps its promise near 1.000 and with few subjects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import scipy

from respllm.evaluation.gathering import ScoredClip, choose_unit
from respllm.evaluation.intervals import (
    METHOD,
    newcombe_interval,
    seed_half,
    shrunken_interval,
    widened,
)
from respllm.evaluation.placements import influence, run_values
from respllm.evaluation.units import ScoredUnits, scored_units
from respllm.types import Score, Unit

__all__ = ["METHOD", "auroc", "auroc_score", "mean_auroc", "newcombe_interval"]

_NOTHING = "nothing was scored"


def auroc(labels: Sequence[int], scores: Sequence[float]) -> float:
    """Chance that a positive scores above a negative; a tie counts half (Mann-Whitney).

    Both classes must occur and scores must be finite.
    """
    positive = np.asarray(labels) == 1
    n_positive, n_negative = int(positive.sum()), int((~positive).sum())
    ranks = scipy.stats.rankdata(scores)
    wins = float(ranks[positive].sum()) - n_positive * (n_positive + 1) / 2
    return wins / (n_positive * n_negative)


def auroc_score(scored: Sequence[ScoredClip], unit: Unit | None = None) -> Score:
    """AUROC of one task's clips in one run, with a 95% interval by subject.

    Args:
        scored: every clip of one task that has a score and a label.
        unit: what one score belongs to; by default the largest that the labels allow.

    The interval is `mean_auroc`'s. Nothing that cannot be computed is made up: without clips, with
    one class, with one subject or with a score that is no finite number, `value`, `low` and `high`
    are None and `note` says why. Constant scores give 0.5 and a note.

    Raises:
        ValueError: clips of several tasks.
        DataError: see `gather`.
    """
    tasks = sorted({clip.task_id for clip in scored})
    if len(tasks) > 1:
        raise ValueError(f"an AUROC is of one task, got clips of {', '.join(tasks)}")
    unit = unit or choose_unit(scored)
    n_records = len({clip.record_id for clip in scored})
    bad = sum(not math.isfinite(clip.logit) for clip in scored)
    if not scored or bad:
        owners = {(clip.subject_id, clip.label) for clip in scored}
        note = f"{bad} of {len(scored)} scores are not finite numbers" if bad else _NOTHING
        n_subjects = len({subject for subject, _ in owners})
        positive, negative = (sum(label == own for _, label in owners) for own in (1, 0))
        counts = n_records, n_subjects, positive, negative
        return Score("auroc", None, None, None, *counts, unit, METHOD, note)
    return replace(mean_auroc(scored_units([[scored]], unit)), n_records=n_records)


def mean_auroc(units: ScoredUnits) -> Score:
    """Mean AUROC over the runs (K seeds, M source models), with a 95% interval by subject.

    The interval is `shrunken_interval`. With several seeds each of its sides is widened, in
    quadrature, by the half-width of Student's interval for the mean over seeds (K - 1 degrees of
    freedom): it then speaks of other people and of another training. With one seed it speaks of
    other people only.

    `n_records` counts units where a unit is a subject, because its recordings are not known here.
    What cannot be computed is None, as in `auroc_score`. With a single subject of one class how
    scores vary is unknown, and the interval rests on the numbers of subjects alone.
    """
    positive, negative = units.subjects_of(1), units.subjects_of(0)
    n_runs = len(units.scores)
    score = Score(
        "auroc",
        None,
        None,
        None,
        n_records=_n_records(units),
        n_subjects=len(set(units.subjects)),
        n_positive=positive,
        n_negative=negative,
        unit=units.unit,
        method=METHOD,
        note=undefined(units),
        n_runs=n_runs,
    )
    if score.note:
        return score
    own = influence(units)
    bounds = shrunken_interval(own)
    if n_runs > 1:
        values = run_values(units).mean(1)
        bounds = widened(own.value, bounds, seed_half(values))
        score = replace(
            score,
            method=f"{METHOD}; {n_runs} seeds by t with {n_runs - 1} degrees of freedom",
            run_sd=float(values.std(ddof=1)),
        )
    constant = bool((units.scores == units.scores[..., :1]).all())
    return replace(
        score,
        value=float(own.value),
        low=float(bounds[0]),
        high=float(bounds[1]),
        note="every score is the same" if constant else "",
    )


def undefined(units: ScoredUnits) -> str:
    """Why there is no AUROC; "" if there is one."""
    if not len(units) or not units.scores.size:
        return _NOTHING
    bad = int((~np.isfinite(units.scores)).any((0, 1)).sum())
    if bad:
        return f"{bad} of {len(units)} scores are not finite numbers"
    if (units.labels == 1).all():
        return "only positives"
    if (units.labels == 0).all():
        return "only negatives"
    if len(set(units.subjects)) == 1:
        return "only one subject"
    return ""


def _n_records(units: ScoredUnits) -> int:
    if units.unit != "clip":
        return len(units)
    return len({name.rpartition("#")[0] for name in units.ids})
