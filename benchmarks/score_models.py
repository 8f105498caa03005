"""Scores with a known AUROC: what `coverage.py` draws from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.integrate import quad
from scipy.optimize import brentq
from scipy.stats import norm, t

KINDS = ("normal", "wider positives", "narrower positives", "skewed right", "skewed left", "heavy")
HEAVY = 3


@dataclass(frozen=True, slots=True)
class People:
    """How many units each subject has, and how alike they are.

    Attributes:
        positive, negative: units of each subject of the class.
        alike: correlation of a subject's units (of the normal scores behind all kinds).
    """

    positive: tuple[int, ...]
    negative: tuple[int, ...]
    alike: float = 0.0

    @property
    def labels(self) -> np.ndarray:
        return np.repeat([1, 0], [sum(self.positive), sum(self.negative)])

    @property
    def subjects(self) -> np.ndarray:
        sizes = self.positive + self.negative
        return np.repeat(np.arange(len(sizes)), sizes)

    @property
    def name(self) -> str:
        size = f"{len(self.positive)}/{len(self.negative)}"
        if max(self.positive + self.negative) == 1:
            return size
        low, high = min(self.positive), max(self.positive)
        units = f"{low}" if low == high else f"{low}–{high}"
        return f"{size}, {units} units alike {self.alike}"


def single(positive: int, negative: int) -> People:
    return People((1,) * positive, (1,) * negative)


def standard(rng: np.random.Generator, people: People, repeats: int) -> np.ndarray:
    """(repeats, n) standard normal, correlated within subjects."""
    subjects = people.subjects
    own = rng.normal(size=(repeats, subjects[-1] + 1))[:, subjects]
    noise = rng.normal(size=(repeats, len(subjects)))
    return math.sqrt(people.alike) * own + math.sqrt(1 - people.alike) * noise


def scores(kind: str, truth: float, labels: np.ndarray, normal: np.ndarray) -> np.ndarray:
    """(repeats, n) scores of a kind whose AUROC is `truth`, from standard normal ones."""
    positive = labels == 1
    if kind in ("normal", "wider positives", "narrower positives"):
        spread = {"normal": 1.0, "wider positives": 2.0, "narrower positives": 0.5}[kind]
        shift = math.hypot(1, spread) * norm.ppf(truth)
        return np.where(positive, spread * normal + shift, normal)
    if kind == "heavy":
        return t.ppf(norm.cdf(normal), HEAVY) + positive * heavy_shift(truth)
    # Exponential, P(a X > Y) = a / (1 + a); mirrored, the negatives reach far to the left.
    wide = truth / (1 - truth)
    waiting = -norm.logsf(normal) if kind == "skewed right" else norm.logcdf(normal)
    return waiting * np.where(positive == (kind == "skewed right"), wide, 1.0)


@cache
def heavy_shift(truth: float) -> float:
    """How far apart two t variables are whose AUROC is `truth`."""

    def excess(shift: float) -> float:
        inner = quad(lambda x: t.pdf(x, HEAVY) * t.cdf(x + shift, HEAVY), -np.inf, np.inf)
        return inner[0] - truth

    return float(brentq(excess, -1.0, 60.0))
