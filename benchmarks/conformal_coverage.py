"""Does a conformal set hold the true answer as often as promised? By simulation.

    python benchmarks/conformal_coverage.py [--quick]

Scores are normal, positives higher (AUROC 0.85). People have one recording each, or 1 to 9 that
share 80% of the variance of their score; then the promise is for one recording, drawn at random,
of a new person, and "every recording alike" is what becomes of it if people are not weighed.
Every draw is a new set of validation people and 200 new people of each class. "Elsewhere": the
new people are from another dataset, where all logits are higher by 1.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from respllm.evaluation.conformal import LEVEL, answer_limits

AUROC = 0.85
SHARED = 0.8
NEW_PEOPLE = 200
RECORDINGS = np.array([1, 1, 2, 9])


@dataclass(frozen=True, slots=True)
class Setting:
    n_positive: int
    n_negative: int
    clustered: bool = False
    alike: bool = False
    shift: float = 0.0

    @property
    def name(self) -> str:
        recordings = "1 to 9" if self.clustered else "1"
        extra = ", every recording alike" if self.alike else ""
        extra += ", new people elsewhere" if self.shift else ""
        return f"{self.n_positive} / {self.n_negative} | {recordings}{extra}"


def settings() -> list[Setting]:
    plain = [Setting(n, n) for n in (5, 9, 10, 20, 50, 200)]
    uneven = [Setting(10, 90), Setting(20, 180)]
    clustered = [
        Setting(n, n, clustered=True, alike=alike) for n in (10, 20, 50) for alike in (False, True)
    ]
    return [*plain, *uneven, *clustered, Setting(50, 50, shift=1.0)]


def scores(
    label: int, people: int, clustered: bool, chance: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Logits of all recordings of people of one class, and whose they are."""
    many = chance.choice(RECORDINGS, people) if clustered else np.ones(people, int)
    whose = np.repeat(np.arange(people), many)
    common, own = chance.normal(size=people), chance.normal(size=len(whose))
    noise = np.sqrt(SHARED) * common[whose] + np.sqrt(1 - SHARED) * own
    return noise + label * norm.ppf(AUROC) * np.sqrt(2), whose


def weights(whose: np.ndarray, alike: bool) -> np.ndarray:
    return np.ones(len(whose)) if alike else 1 / np.bincount(whose)[whose]


def measure(setting: Setting, draws: int, chance: np.random.Generator) -> np.ndarray:
    """Coverage of positives and negatives, and the share of sets that are not one answer."""
    found = np.zeros((draws, 3))
    counts = {1: setting.n_positive, 0: setting.n_negative}
    for draw in range(draws):
        sides = {y: scores(y, counts[y], setting.clustered, chance) for y in (1, 0)}
        highest_zero, lowest_one = answer_limits(
            np.concatenate([sides[y][0] for y in (1, 0)]),
            np.repeat([1, 0], [len(sides[y][0]) for y in (1, 0)]),
            np.concatenate([weights(sides[y][1], setting.alike) for y in (1, 0)]),
        )
        kept, single = [], []
        for y in (1, 0):
            logits, whose = scores(y, NEW_PEOPLE, setting.clustered, chance)
            logits = logits + setting.shift
            says_one, says_zero = logits >= lowest_one, logits <= highest_zero
            # One recording of every new person, drawn at random: on average over its recordings.
            weight = weights(whose, alike=False) / NEW_PEOPLE
            kept.append(weight @ (says_one if y else says_zero))
            single.append(weight @ (says_one ^ says_zero))
        found[draw] = *kept, 1 - np.mean(single)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the draws")
    draws = 200 if parser.parse_args().quick else 2000
    print(f"Promised {LEVEL:.2f} within each class; {draws} draws, 95% error of the means below")
    print("| Validation people (1 / 0) | Recordings each | Positive | Negative | Abstained |")
    print("|---|---|---|---|---|")
    error = 0.0
    for number, setting in enumerate(settings()):
        found = measure(setting, draws, np.random.default_rng([7, number]))
        error = max(error, float(1.96 * (found.std(0) / np.sqrt(draws))[:2].max()))
        positive, negative, abstained = found.mean(0)
        print(f"| {setting.name} | {positive:.3f} | {negative:.3f} | {abstained:.2f} |")
    print(f"Largest 95% error of a mean coverage: {error:.3f}")


if __name__ == "__main__":
    main()
