"""Do the intervals of calibration measures, curves and shares hold the truth? By simulation.

    python benchmarks/calibration_coverage.py [--quick]

Scores are normal with equal variances, so that the true probability, ROC curve and every measure
are known. "Times" multiplies the true log-odds: 1 is perfectly calibrated, 3 much too sure. The
nominal coverage is 0.95.
"""

from __future__ import annotations

import argparse
from itertools import product

import numpy as np
from scipy.special import expit
from scipy.stats import norm
from sklearn.metrics import average_precision_score

from respllm.evaluation.assessment import Estimate
from respllm.evaluation.calibration import brier_score, calibration_error, slope_and_intercept
from respllm.evaluation.curves import average_precision, roc
from respllm.evaluation.proportions import proportion

MANY = 400_000
RATES = np.array([0.05, 0.1, 0.2, 0.3, 0.5])
Counts = tuple[int, int]


def people(
    counts: Counts, distance: float, chance: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """True log-odds at this share of positives, and labels."""
    labels = np.repeat([1, 0], counts)
    score = chance.normal(size=len(labels)) + distance * labels
    return distance * score - distance**2 / 2 + np.log(counts[0] / counts[1]), labels


def holds(found: Estimate, truth: float) -> float:
    if found.low is None or found.high is None:
        return np.nan
    return float(found.low <= truth <= found.high)


def plain_error(logits: np.ndarray, truth: np.ndarray) -> float:
    return float(np.abs(expit(logits) - expit(truth)).mean())


def row(counts: Counts, auroc: float, times: float, draws: int, number: int) -> list[float]:
    chance = np.random.default_rng([11, number])
    distance = float(norm.ppf(auroc) * np.sqrt(2))
    share = counts[0] / sum(counts)
    many = (round(MANY * share), MANY - round(MANY * share))
    odds, labels = people(many, distance, chance)
    true_brier = float(((expit(times * odds) - labels) ** 2).mean())
    true_error = plain_error(times * odds, odds)
    true_precision = float(average_precision_score(labels, odds))
    true_curve = norm.cdf(norm.ppf(RATES) + distance)
    found = []
    for _ in range(draws):
        odds, labels = people(counts, distance, chance)
        who, given = np.arange(len(labels)), times * odds
        curve = roc(given, labels, who)
        low, high = (np.interp(RATES, curve.x, side) for side in (curve.low, curve.high))
        error, _ = calibration_error(expit(given), labels, who)
        slope, _, _ = slope_and_intercept(given, labels, who)
        found.append(
            [
                holds(brier_score(expit(given), labels, who), true_brier),
                holds(error, true_error),
                np.nan if error.value is None else error.value - true_error,
                holds(slope, 1 / times),
                holds(average_precision(given, labels, who), true_precision),
                float(((low <= true_curve) & (true_curve <= high)).mean()),
            ]
        )
    results = np.array(found)
    known = ~np.isnan(results)
    sums = np.where(known, results, 0).sum(0)
    return np.where(known.sum(0) > draws / 2, sums / np.maximum(known.sum(0), 1), np.nan).tolist()


def shares(draws: int) -> None:
    """A share of recordings where people have 1, 2 or 10, more or less alike."""
    print("| People | Share | Alike (correlation) | Coverage | Width |")
    print("|---|---|---|---|---|")
    chance = np.random.default_rng(13)
    for number, truth, alike in product((12, 100), (0.8, 0.95), (0.0, 0.3, 0.8)):
        found = []
        for _ in range(draws):
            many = chance.choice([1, 2, 10], number)
            scale = (1 - alike) / alike if alike else 0
            own = chance.beta(truth * scale, (1 - truth) * scale, number) if alike else truth
            who = np.repeat(np.arange(number), many)
            hits = chance.random(len(who)) < np.broadcast_to(own, number)[who]
            one = proportion(hits, who)
            found.append([holds(one, truth), (one.high or 0) - (one.low or 0)])
        covered, width = np.mean(found, 0)
        print(f"| {number} | {truth} | {alike} | {covered:.3f} | {width:.2f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the draws")
    draws = 50 if parser.parse_args().quick else 500
    print(f"{draws} draws a row")
    print(
        "| People (1 / 0) | AUROC | Times | Brier | Calibration error | its bias | Slope "
        "| Average precision | ROC band |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    grid = [
        *product([(12, 14), (30, 30), (20, 100), (100, 100)], (0.7, 0.9), (1.0, 3.0)),
        ((12, 14), 0.98, 1.0),
        ((30, 30), 0.98, 3.0),
        ((200, 200), 0.8, 1.0),
    ]
    for number, (counts, auroc, times) in enumerate(grid):
        cells = row(counts, auroc, times, draws, number)
        shown = ("–" if np.isnan(cell) else f"{cell:.3f}" for cell in cells)
        print(f"| {counts[0]} / {counts[1]} | {auroc} | {times:g} | {' | '.join(shown)} |")
    print()
    shares(draws)


if __name__ == "__main__":
    main()
