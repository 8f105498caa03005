"""Is one model better than another on the same people? Paired, by subject."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import scipy

from respllm.errors import DataError
from respllm.evaluation.auroc import undefined
from respllm.evaluation.contrasts import METHOD, contrast_interval, correlation
from respllm.evaluation.placements import influence, run_values
from respllm.evaluation.subject_bootstrap import CHECK_METHOD, DRAWS, SEED, mean_difference_draws
from respllm.evaluation.units import ScoredUnits

# Smaller p-values are given as this: they would say more than a few hundred people can.
SMALLEST_P = 1e-12


@dataclass(frozen=True, slots=True)
class Difference:
    """AUROC of a first minus that of a second model on the same units.

    Attributes:
        value: None if it is undefined; then `note` says why.
        low, high: bounds of the 95% interval, paired, by subject.
        p_value: two-sided, of no difference; consistent with the interval.
        check_low, check_high: the same interval by a second method (subject bootstrap).
        n_subjects: how many people.
        method, check_method: names of the two methods.
        note: what a reader must know beside the number.
    """

    value: float | None
    low: float | None
    high: float | None
    p_value: float | None
    check_low: float | None
    check_high: float | None
    n_subjects: int
    method: str
    check_method: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Seeds:
    """What training again with other seeds adds: a standard error and what it is worth."""

    error: float
    freedom: float
    method: str = ""
    note: str = ""

    def half(self, tail: float) -> float:
        return float(scipy.stats.t.isf(tail, self.freedom)) * self.error if self.error else 0.0


def paired_difference(
    first: ScoredUnits, second: ScoredUnits, *, same_runs: bool = False
) -> Difference:
    """Mean AUROC over the runs of `first` minus that of `second`, with a paired 95% interval.

    The interval is `contrast_interval`'s, by subject. Seeds widen it in quadrature: by default two
    models' runs are unrelated, however their seeds are numbered (Welch). The p-value belongs to
    the interval: it is the level at which the interval begins to hold 0, and so below 0.05 exactly
    when the 95% interval does not.

    Args:
        first, second: the same units in any order.
        same_runs: both are the same trained models under two conditions (their input swapped, say),
            run by run; then only the spread of the runs' differences counts.

    With one class, fewer than two subjects of a class or a score that is no finite number,
    everything is None and `note` says why. Equal scores give 0 with an interval.

    Raises:
        DataError: units, labels or subjects differ, or `same_runs` with unlike numbers of runs.
    """
    return mean_difference([(first, second)], same_runs=same_runs)


def mean_difference(
    pairs: Sequence[tuple[ScoredUnits, ScoredUnits]], *, same_runs: bool = False
) -> Difference:
    """Mean over tasks of `paired_difference`; a person may take part in several tasks.

    Tasks correlate through the people they share, and the check draws people once for all tasks.
    Seeds are averaged over the tasks first: a seed of a model that answers all tasks is one run.

    Args:
        pairs: of each task the two models' scores.
        same_runs: see `paired_difference`.

    If one task is undefined the mean is too; leave it out beforehand to have the others' mean.

    Raises:
        DataError: no task; unlike numbers of seeds; see also `paired_difference`.
    """
    if not pairs:
        raise DataError("There is nothing to compare", expected="at least one task")
    pairs = [(first, _in_order_of(first, second)) for first, second in pairs]
    people = {name for first, _ in pairs for name in first.subjects}
    empty = Difference(None, None, None, None, None, None, len(people), METHOD, CHECK_METHOD)
    reasons = [why for first, second in pairs for why in _reasons(first, second)]
    if reasons:
        return replace(empty, note="; ".join(dict.fromkeys(reasons)))
    seeds = _seeds(pairs, same_runs)
    parts = [influence(units) for pair in pairs for units in pair]
    weights = [1 / len(pairs), -1 / len(pairs)] * len(pairs)
    together = correlation(parts, weights)
    value = math.fsum(w * float(part.value) for w, part in zip(weights, parts, strict=True))

    def bounds(tail: float) -> tuple[float, float]:
        low, high = contrast_interval(parts, weights, together, tail, seeds.half(tail))
        return max(-1.0, float(low)), min(1.0, float(high))

    def beyond_zero(log_tail: float) -> float:
        low, high = bounds(math.exp(log_tail))
        return low if value > 0 else -high

    low, high = bounds(0.025)
    draws = mean_difference_draws(pairs)
    if seeds.error:
        noise = np.random.default_rng(SEED + 1).standard_t(seeds.freedom, DRAWS)
        draws = draws + seeds.error * noise
    check_low, check_high = np.quantile(draws, [0.025, 0.975])
    return replace(
        empty,
        value=value,
        low=low,
        high=high,
        p_value=1.0 if value == 0 else _p_value(beyond_zero),
        check_low=max(-1.0, float(check_low)),
        check_high=min(1.0, float(check_high)),
        method=METHOD + seeds.method,
        note=seeds.note,
    )


def _in_order_of(first: ScoredUnits, second: ScoredUnits) -> ScoredUnits:
    """`second` with its units in the order of `first`."""
    place = {name: row for row, name in enumerate(second.ids)}
    if odd := sorted(place.keys() ^ set(first.ids)):
        raise DataError(
            f"The two models scored different units: {len(odd)} are in one only, such as {odd[0]}",
            next_step="score both on the same data and protocol",
        )
    order = [place[name] for name in first.ids]
    subjects = tuple(second.subjects[row] for row in order)
    labels = second.labels[order]
    for name, one, other in zip(first.ids, first.subjects, subjects, strict=True):
        if one != other:
            raise DataError(
                f"{name} is of subject {one} in one model's scores, of {other} in the other's"
            )
    if (first.labels != labels).any():
        name = first.ids[int(np.argmax(first.labels != labels))]
        raise DataError(
            f"{name} has another label in the other model's scores",
            expected="two models that were asked the same question",
        )
    return ScoredUnits(second.unit, first.ids, subjects, labels, second.scores[..., order])


def _reasons(first: ScoredUnits, second: ScoredUnits) -> list[str]:
    """Why two models cannot be compared on a task; empty if they can."""
    found = [why for units in (first, second) if (why := undefined(units))]
    if not found and min(first.subjects_of(0), first.subjects_of(1)) < 2:
        found = ["only one subject of a class"]
    return found


def _seeds(pairs: Sequence[tuple[ScoredUnits, ScoredUnits]], same_runs: bool) -> _Seeds:
    if len({(len(first.scores), len(second.scores)) for first, second in pairs}) > 1:
        raise DataError("The tasks have unlike numbers of seeds", expected="the same for each task")
    first, second = (
        np.mean([run_values(pair[side]).mean(1) for pair in pairs], 0) for side in (0, 1)
    )
    if same_runs:
        if len(first) != len(second):
            raise DataError(
                f"The same runs were scored {len(first)} and {len(second)} times",
                expected="one score a run under each condition",
            )
        samples = [first - second]
    else:
        samples = [first, second]
    several = [values for values in samples if len(values) > 1]
    shares = [float(values.var(ddof=1)) / len(values) for values in several]
    if not several:
        return _Seeds(0.0, 1.0)
    total = math.fsum(shares)
    spread = math.fsum(s**2 / (len(v) - 1) for s, v in zip(shares, several, strict=True))
    return _Seeds(
        math.sqrt(total),
        total**2 / spread if spread > 0 else 1.0,
        f"; seeds ({' and '.join(str(len(values)) for values in several)}) by t",
        "" if len(several) == len(samples) else "one of the two has one run only, taken as fixed",
    )


def _p_value(beyond_zero: Callable[[float], float]) -> float:
    """Level at which an interval begins to hold 0, given its near bound at a log tail."""
    middle = math.log(0.025)
    excluded = beyond_zero(middle) > 0
    near, far = (math.log(SMALLEST_P / 2), middle) if excluded else (middle, math.log(0.4999))
    if beyond_zero(near) > 0:
        return SMALLEST_P
    if not excluded and beyond_zero(far) <= 0:
        return 1.0
    p = 2 * math.exp(scipy.optimize.brentq(beyond_zero, near, far, xtol=1e-6))
    return min(p, math.nextafter(0.05, 0)) if excluded else max(p, 0.05)
