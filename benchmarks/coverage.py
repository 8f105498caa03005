"""How often do 95% intervals of AUROCs, and of their differences, hold the truth?

    python benchmarks/coverage.py [--quick] [--json]

Scores are drawn from distributions whose AUROC is known (`score_models.py`). A cell is one true
AUROC, one number of subjects and one distribution; its coverage is the share of its repeats whose
interval holds the truth. What tables use must lie between 0.92 and 0.98 wherever that is possible.
"""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import product

import numpy as np
from rich.console import Console
from rich.table import Table
from scipy.stats import norm

from interval_methods import (
    SINGLE,
    UNITS,
    USED,
    Interval,
    newcombe_of,
    percentile_bootstrap,
    resampled,
    wald,
    wins,
)
from respllm.evaluation.contrasts import contrast_interval, correlation
from respllm.evaluation.intervals import seed_half, shrunken_interval, widened
from respllm.evaluation.placements import Influence, influence_of, placements
from score_models import KINDS, People, scores, single, standard

TRUTHS = (0.5, 0.65, 0.8, 0.9, 0.95, 0.98, 0.995)
SIZES = ((5, 5), (7, 23), (12, 14), (11, 35), (30, 30), (50, 50), (18, 349), (100, 200))
UNEQUAL = (1, 1, 1, 1, 2, 2, 3, 4, 6, 9)
BOOTSTRAP = "percentile bootstrap"
BOOTSTRAPPED = ("normal", "skewed right")
MOVER = "MOVER, shrunken DeLong"
LOW, HIGH = 0.92, 0.98


@dataclass(frozen=True, slots=True)
class Effort:
    """Repeats a cell; for the bootstrap fewer, each with so many draws."""

    repeats: int
    bootstraps: int
    draws: int
    sizes: tuple[tuple[int, int], ...]
    truths: tuple[float, ...]


FULL = Effort(2000, 200, 300, SIZES, TRUTHS)
QUICK = Effort(400, 40, 200, ((5, 5), (12, 14), (18, 349)), (0.5, 0.8, 0.95, 0.995))


@dataclass(frozen=True, slots=True)
class Cell:
    """One method in one setting.

    Attributes:
        perfect: share of repeats whose estimate is 1.000 (for a difference: both are).
    """

    study: str
    method: str
    setting: str
    truth: float
    coverage: float
    width: float
    perfect: float


def judged(
    study: str, setting: str, truth: float, perfect: float, found: dict[str, Interval]
) -> list[Cell]:
    cells = []
    for method, (low, high) in found.items():
        held = (low <= truth + 1e-9) & (truth - 1e-9 <= high)
        width = float(np.mean(high - low))
        cells.append(Cell(study, method, setting, truth, float(held.mean()), width, perfect))
    return cells


def one_unit_each(rng: np.random.Generator, effort: Effort) -> Iterator[Cell]:
    for kind, size, truth in product(KINDS, effort.sizes, effort.truths):
        people = single(*size)
        labels = people.labels
        drawn = scores(kind, truth, labels, standard(rng, people, effort.repeats))
        own = influence_of(labels, people.subjects, placements(labels, drawn))
        setting = f"{people.name}, {kind}"
        perfect = float((own.value == 1).mean())
        found = {name: method(own) for name, method in SINGLE.items()}
        yield from judged("one unit a subject", setting, truth, perfect, found)
        if kind in BOOTSTRAPPED:
            weights = resampled(labels, rng, effort.draws)
            gains = wins(drawn[: effort.bootstraps], labels)
            found = {BOOTSTRAP: percentile_bootstrap(gains, labels, weights)}
            yield from judged("one unit a subject", setting, truth, perfect, found)


def several_units(rng: np.random.Generator, effort: Effort) -> Iterator[Cell]:
    sizes = [size for size in effort.sizes if sum(size) < 100]
    for kind, (n1, n0), alike, equal, truth in product(
        ("normal", "wider positives"), sizes, (0.2, 0.8), (True, False), effort.truths
    ):
        units = [(3,) * n if equal else tuple(np.resize(UNEQUAL, n).tolist()) for n in (n1, n0)]
        people = People(units[0], units[1], alike)
        labels = people.labels
        drawn = scores(kind, truth, labels, standard(rng, people, effort.repeats))
        own = influence_of(labels, people.subjects, placements(labels, drawn))
        found = {name: method(own) for name, method in SINGLE.items()}
        found[UNITS] = newcombe_of(own.value, int(labels.sum()), int((1 - labels).sum()))
        perfect = float((own.value == 1).mean())
        yield from judged("several units", f"{people.name}, {kind}", truth, perfect, found)


def five_seeds(rng: np.random.Generator, effort: Effort) -> Iterator[Cell]:
    """Each seed moves the classes apart by another distance and adds noise of its own."""
    seeds = 5
    for size, truth, drift, noise in product(effort.sizes, effort.truths, (0.1, 0.4), (0.1, 0.5)):
        people = single(*size)
        labels = people.labels
        # P(positive above negative) over seeds is Phi(shift / sqrt(2 + drift^2)).
        shift = norm.ppf(truth) * math.sqrt(2 + drift**2)
        shifts = shift + drift * rng.normal(size=(effort.repeats, seeds, 1))
        shared = standard(rng, people, effort.repeats)[:, None]
        again = rng.normal(size=(effort.repeats, seeds, len(labels)))
        drawn = math.sqrt(1 - noise) * shared + math.sqrt(noise) * again + shifts * labels
        placed = placements(labels, drawn)
        own = influence_of(labels, people.subjects, placed.mean(1))
        bounds = shrunken_interval(own)
        runs = placed[..., labels == 1].mean(-1)
        found = {
            "without the seeds": bounds,
            "the seeds alone (t)": (own.value - seed_half(runs), own.value + seed_half(runs)),
            "both, as tables use": widened(own.value, bounds, seed_half(runs)),
        }
        setting = f"{people.name}, seed SD {drift}, noise {noise}"
        yield from judged("five seeds", setting, truth, float((own.value == 1).mean()), found)


def differences(rng: np.random.Generator, effort: Effort) -> Iterator[Cell]:
    gains = ((0.6, 0.1), (0.8, 0.1), (0.95, 0.1), (0.995, 0.1))
    firsts = [(truth, 0.0) for truth in effort.truths[::2]] + list(gains)
    for kind, size, alike, (first, gain) in product(
        ("normal", "wider positives"), effort.sizes, (0.3, 0.7, 0.95), firsts
    ):
        people = single(*size)
        labels = people.labels
        common = standard(rng, people, effort.repeats)
        drawn, owns = [], []
        for truth in (first, first - gain):
            other = standard(rng, people, effort.repeats)
            normal = math.sqrt(alike) * common + math.sqrt(1 - alike) * other
            drawn.append(scores(kind, truth, labels, normal))
            owns.append(influence_of(labels, people.subjects, placements(labels, drawn[-1])))
        signs = (1.0, -1.0)
        found = {
            MOVER: contrast_interval(owns, signs, correlation(owns, signs)),
            "Wald, DeLong": wald(less(*owns)),
        }
        setting = f"{people.name}, {kind}, alike {alike}, from {first}"
        perfect = float(((owns[0].value == 1) & (owns[1].value == 1)).mean())
        yield from judged("paired differences", setting, gain, perfect, found)
        if kind == "normal" and alike == 0.7:
            weights = resampled(labels, rng, effort.draws)
            a, b = (wins(one[: effort.bootstraps], labels) for one in drawn)
            found = {BOOTSTRAP: percentile_bootstrap(a - b, labels, weights)}
            yield from judged("paired differences", setting, gain, perfect, found)


def less(first: Influence, second: Influence) -> Influence:
    """The difference of two AUROCs of the same people: its pulls are the pulls' differences."""
    return Influence(
        first.value - second.value,
        first.subjects,
        first.positive - second.positive,
        first.negative - second.negative,
        first.n_positive,
        first.n_negative,
    )


def summary(cells: list[Cell]) -> Iterator[Table]:
    for study in dict.fromkeys(cell.study for cell in cells):
        table = Table(title=study)
        for head in ("method", "cells", "mean", "lowest", "< 0.92", "> 0.98", "width"):
            table.add_column(head, justify="left" if head == "method" else "right")
        for method in dict.fromkeys(cell.method for cell in cells if cell.study == study):
            own = [cell for cell in cells if (cell.study, cell.method) == (study, method)]
            held = np.array([cell.coverage for cell in own])
            table.add_row(
                method,
                str(len(own)),
                f"{held.mean():.3f}",
                f"{held.min():.3f}",
                str(int((held < LOW).sum())),
                str(int((held > HIGH).sum())),
                f"{np.mean([cell.width for cell in own]):.3f}",
            )
        yield table


def outside(cells: list[Cell]) -> Iterator[Table]:
    for method in (USED, "both, as tables use", MOVER):
        table = Table(title=f"{method}: cells below {LOW}")
        for head in ("study", "setting", "truth", "coverage", "at 1.000"):
            table.add_column(head)
        low = [cell for cell in cells if cell.method == method and cell.coverage < LOW]
        for cell in sorted(low, key=lambda cell: cell.coverage)[:20]:
            numbers = (f"{cell.truth:g}", f"{cell.coverage:.3f}", f"{cell.perfect:.2f}")
            table.add_row(cell.study, cell.setting, *numbers)
        yield table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer cells and repeats")
    parser.add_argument("--json", action="store_true", help="every cell as JSON")
    arguments = parser.parse_args()
    effort = QUICK if arguments.quick else FULL
    rng = np.random.default_rng(0)
    studies = (one_unit_each, several_units, five_seeds, differences)
    cells = [cell for study in studies for cell in study(rng, effort)]
    if arguments.json:
        print(json.dumps([asdict(cell) for cell in cells]))
        return
    console = Console(width=120)
    for table in [*summary(cells), *outside(cells)]:
        console.print(table)


if __name__ == "__main__":
    main()
