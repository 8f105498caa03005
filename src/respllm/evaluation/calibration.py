"""How far probabilities can be taken at their word: Brier score, calibration error, slope, bins."""

from __future__ import annotations

import math

import numpy as np
import scipy

from respllm.evaluation.assessment import Calibration, Estimate, ReliabilityBin
from respllm.evaluation.platt import standardise
from respllm.evaluation.proportions import UNDEFINED, proportion

SEED = 20_060
DRAWS = 1000
MOST_BINS = 10
PEOPLE_PER_BIN = 10


def measure_calibration(
    name: str, logits: np.ndarray, labels: np.ndarray, people: np.ndarray
) -> tuple[Calibration, tuple[str, ...]]:
    """All measures of one set of probabilities, and what could not be computed and why.

    Args:
        name: where the probabilities come from.
        logits: (n,) of the probabilities, finite; n is at least 1.
        labels, people: (n,) of the test units; people are whole numbers.
    """
    probabilities = scipy.special.expit(logits)
    error, no_error = calibration_error(probabilities, labels, people)
    slope, intercept, no_slope = slope_and_intercept(logits, labels, people)
    found = Calibration(
        name=name,
        brier=brier_score(probabilities, labels, people),
        error=error,
        slope=slope,
        intercept=intercept,
        bins=reliability_bins(probabilities, labels, people),
    )
    return found, tuple(note for note in (no_error, no_slope) if note)


def brier_score(probabilities: np.ndarray, labels: np.ndarray, people: np.ndarray) -> Estimate:
    """Mean squared error of (n,) probabilities, with a 95% interval by subject.

    Student's t interval on the logit scale with the variance between people, in closed form. So
    that it is no point where nobody happens to be answered badly, the lower bound is taken with
    one more person who is answered perfectly and the upper with one who is answered entirely
    wrong. Coverage is in docs/calibration.md.
    """
    squared = (probabilities - labels) ** 2
    value = float(squared.mean())
    low, high = (_bound(squared, people, extra) for extra in (0, 1))
    return Estimate(value, min(low, value), max(high, value))


def calibration_error(
    probabilities: np.ndarray, labels: np.ndarray, people: np.ndarray
) -> tuple[Estimate, str]:
    """Expected calibration error over bins of equal numbers, with a 95% interval by subject.

    The plain error of bins is too large with few people; it is corrected by the expected error of
    normally distributed bin means (Kumar, Liang and Ma 2019, `normal_debiased_ce` of their code;
    here in closed form) and is not below 0. What is left of the excess where probabilities are
    right is in docs/calibration.md.
    The interval is the percentile one of a bootstrap of people, with a fixed seed and the bins
    held. Its lower bound is 0 where labels drawn with the stated probabilities (Broecker and Smith
    2007) give as large an error in more than 2.5% of draws.

    Returns:
        The error, and why it is undefined ("" if it is not): fewer than 20 people, or no bin with
        both answers, where the bootstrap would make the interval a point.
    """
    _, who = np.unique(people, return_inverse=True)
    known = int(who.max()) + 1
    if known < 2 * PEOPLE_PER_BIN:
        return UNDEFINED, f"no calibration error with fewer than {2 * PEOPLE_PER_BIN} people"
    member = np.eye(MOST_BINS)[_bin_of(probabilities, known)]
    # Per person and bin: units, sum of labels, sum of probabilities; and people per unit.
    units, ones, sums = (
        _by_person(member * value[:, None], who)
        for value in (np.ones(len(labels)), labels, probabilities)
    )
    if not ((ones.sum(0) > 0) & (ones.sum(0) < units.sum(0))).any():
        return UNDEFINED, "no calibration error: no bin has both answers, so there is no interval"
    persons_per_unit = (units > 0).sum(0) / np.maximum(units.sum(0), 1)
    plain, value = _errors(units.sum(0), ones.sum(0), sums.sum(0), persons_per_unit)
    chance = np.random.default_rng(SEED)
    drawn = chance.multinomial(known, np.full(known, 1 / known), DRAWS)
    _, resampled = _errors(drawn @ units, drawn @ ones, drawn @ sums, persons_per_unit)
    low, high = np.quantile(resampled, [0.025, 0.975])
    # One draw per person: units of one person are taken to be as alike as they can be.
    labels_drawn = chance.random((DRAWS, known))[:, who] < probabilities
    expected, _ = _errors(units.sum(0), labels_drawn @ member, sums.sum(0), persons_per_unit)
    if (expected >= plain).mean() > 0.025:
        low = 0.0
    return Estimate(float(value), float(min(low, value)), float(max(high, value))), ""


def slope_and_intercept(
    logits: np.ndarray, labels: np.ndarray, people: np.ndarray
) -> tuple[Estimate, Estimate, str]:
    """Logistic regression of the label on the logit (Cox 1958), with Wald intervals by subject.

    The variance is the sandwich one over people. Measures the test part; nothing is corrected
    with it.

    Returns:
        Slope, intercept, and why they are undefined ("" if they are not): one class, constant
        logits, classes that do not overlap (the slope is then infinite), fewer than 10 people of
        a class, or a fit that does not converge.
    """
    scale = standardise(logits)
    if scale is None:
        return UNDEFINED, UNDEFINED, "no calibration slope: every score is the same"
    if why := _no_slope(logits, labels, people):
        return UNDEFINED, UNDEFINED, why
    import statsmodels.api as sm

    # A steep fit meets exp of large numbers; 1 / (1 + inf) is 0 as it should be.
    with np.errstate(over="ignore"):
        fit = sm.Logit(labels, sm.add_constant(scale.values, has_constant="add")).fit(
            disp=False,
            cov_type="cluster",
            cov_kwds={"groups": np.unique(people, return_inverse=True)[1]},
        )
    intercept, slope = scale.back @ fit.params
    errors = np.sqrt(np.diag(scale.back @ fit.cov_params() @ scale.back.T))
    if not (fit.mle_retvals["converged"] and np.isfinite(errors).all()):
        return UNDEFINED, UNDEFINED, "no calibration slope: its fit does not converge"
    half = scipy.stats.norm.ppf(0.975) * errors
    return (
        Estimate(float(slope), float(slope - half[1]), float(slope + half[1])),
        Estimate(float(intercept), float(intercept - half[0]), float(intercept + half[0])),
        "",
    )


def reliability_bins(
    probabilities: np.ndarray, labels: np.ndarray, people: np.ndarray
) -> tuple[ReliabilityBin, ...]:
    """Bins of equal numbers, lowest probability first; equal probabilities share a bin.

    One bin for every 10 people, at least 1 and at most 10.
    """
    bins = _bin_of(probabilities, len(np.unique(people)))
    return tuple(
        ReliabilityBin(
            predicted=float(probabilities[inside].mean()),
            observed=proportion(labels[inside] == 1, people[inside]),
            units=int(inside.sum()),
        )
        for number in np.unique(bins)
        if (inside := bins == number).any()
    )


def _bin_of(probabilities: np.ndarray, n_people: int) -> np.ndarray:
    count = min(MOST_BINS, max(1, n_people // PEOPLE_PER_BIN))
    return ((scipy.stats.rankdata(probabilities) - 0.5) / len(probabilities) * count).astype(int)


def _by_person(values: np.ndarray, who: np.ndarray) -> np.ndarray:
    sums = np.zeros((int(who.max()) + 1, values.shape[1]))
    np.add.at(sums, who, values)
    return sums


def _errors(
    units: np.ndarray, ones: np.ndarray, sums: np.ndarray, persons_per_unit: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Calibration error, plain and corrected, from the sums of every bin: (..., bins) each."""
    some = np.maximum(units, 1)
    observed = ones / some
    gap = np.abs(observed - sums / some)
    spread = np.sqrt(observed * (1 - observed) / np.maximum(units * persons_per_unit, 1))
    # The mean of |N(gap, spread)|: what a bin whose true gap were this one would show.
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = gap / spread
        shown = spread * math.sqrt(2 / math.pi) * np.exp(-(ratio**2) / 2)
        shown = np.where(spread > 0, shown + gap * (1 - 2 * scipy.stats.norm.cdf(-ratio)), gap)
    share = units / units.sum(-1, keepdims=True)
    plain = (share * gap).sum(-1)
    return plain, np.maximum(2 * plain - (share * shown).sum(-1), 0)


def _bound(squared: np.ndarray, people: np.ndarray, extra: int) -> float:
    """The lower (`extra` 0) or upper (1) bound of a mean with one more person of that value."""
    _, who, sizes = np.unique(people, return_inverse=True, return_counts=True)
    sizes = np.append(sizes, sizes.mean())
    totals = np.append(np.bincount(who, squared), extra * sizes[-1])
    count = len(sizes)
    mean = totals.sum() / sizes.sum()
    if not 0 < mean < 1:
        return float(mean)
    residuals = totals - mean * sizes
    error = math.sqrt(count / (count - 1) * float((residuals**2).sum())) / sizes.sum()
    half = scipy.stats.t.ppf(0.975, count - 1) * error / (mean * (1 - mean))
    return float(scipy.special.expit(math.log(mean / (1 - mean)) + (half if extra else -half)))


def _no_slope(logits: np.ndarray, labels: np.ndarray, people: np.ndarray) -> str:
    positive = labels == 1
    fewest = min(len(np.unique(people[one])) for one in (positive, ~positive))
    if fewest == 0:
        return "no calibration slope with one class"
    if logits[~positive].max() <= logits[positive].min() or (
        logits[positive].max() <= logits[~positive].min()
    ):
        return "no calibration slope: the scores separate the classes, so it is infinite"
    if fewest < PEOPLE_PER_BIN:
        return f"no calibration slope with fewer than {PEOPLE_PER_BIN} people of a class"
    return ""
