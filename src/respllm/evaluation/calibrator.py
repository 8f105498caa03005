"""What validation people teach about a model's scores, kept with a run and used on a new score."""

from __future__ import annotations

import json
import math
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import get_args

import numpy as np

from respllm.errors import DataError
from respllm.evaluation.conformal import LEVEL, answer_limits, answer_sets
from respllm.evaluation.gathering import ScoredClip, choose_unit, gather
from respllm.types import Unit


@dataclass(frozen=True, slots=True)
class Calibrator:
    """The validation units of one task: scores and answers, without ids.

    Attributes:
        unit: what one score belongs to; a new score must belong to the same.
        logits: of the n units, finite.
        labels: 1 or 0; both occur.
        weights: one over the number of units that the person has in that class.

    Raises:
        DataError: one class, a score that is no finite number, or values that do not fit together.
    """

    unit: Unit
    logits: tuple[float, ...]
    labels: tuple[int, ...]
    weights: tuple[float, ...]

    def __post_init__(self) -> None:
        if not len(self.logits) == len(self.labels) == len(self.weights):
            raise _unusable("logits, labels and weights are not equally many")
        if self.unit not in get_args(Unit):
            raise _unusable(f"the unit {self.unit!r} is unknown")
        if set(self.labels) - {0, 1}:
            raise _unusable("a label is not 0 or 1")
        if why := why_unfit(self.logits, self.labels):
            raise _unusable(why)
        if not all(0 < weight <= 1 for weight in self.weights):
            raise _unusable("a weight is not in 0 to 1")

    @property
    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Logits, labels and weights, (n,) each."""
        return np.array(self.logits), np.array(self.labels), np.array(self.weights)

    @property
    def n_positive(self) -> int:
        """People with a unit of label 1."""
        return self._people(1)

    @property
    def n_negative(self) -> int:
        """People with a unit of label 0."""
        return self._people(0)

    def calibrate(
        self, logits: Sequence[float] | np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Inductive Venn-Abers probabilities of new scores (Vovk, Petej and Fedorova 2015).

        `low` and `high` are what isotonic regression on the validation units gives the new one
        where it is added with label 0 and with label 1: one of the two is perfectly calibrated,
        if the person is exchangeable with the validation people. Every unit counts alike.

        Returns:
            calibrated = high / (1 - low + high), low and high, (n,) each.

        Raises:
            DataError: a score is no finite number.
        """
        new = _finite(logits)
        low, high = _venn_abers(self.logits, self.labels, new)
        return np.clip(high / (1 - low + high), low, high), low, high

    def answers(
        self, logits: Sequence[float] | np.ndarray, level: float = LEVEL
    ) -> tuple[tuple[int, ...], ...]:
        """Class-conditional conformal sets of new scores; () and (0, 1) abstain.

        Raises:
            DataError: a score is no finite number, or `level` is not between 0 and 1.
        """
        if not 0 < level < 1:
            raise DataError(f"The level {level!r} cannot be promised", expected="between 0 and 1")
        return answer_sets(_finite(logits), answer_limits(*self.arrays, level))

    def to_json(self) -> str:
        """Text that `from_json` reads; numbers keep every digit."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Calibrator:
        """Read what `to_json` wrote.

        Raises:
            DataError: it is something else.
        """
        try:
            found = json.loads(text)
            return cls(
                found["unit"],
                tuple(float(one) for one in found["logits"]),
                tuple(int(one) for one in found["labels"]),
                tuple(float(one) for one in found["weights"]),
            )
        except DataError:
            raise
        except (KeyError, TypeError, ValueError) as error:
            raise _unusable(f"it cannot be read ({type(error).__name__})") from error

    def _people(self, label: int) -> int:
        _, labels, weights = self.arrays
        return round(float(weights[labels == label].sum()))


def fit_calibration(validation: Sequence[ScoredClip], unit: Unit | None = None) -> Calibrator:
    """Gather the validation people's scores of one task into a `Calibrator`.

    Args:
        validation: every clip of validation people that has a score and a label.
        unit: what one score belongs to; by default the largest that the labels allow.

    Raises:
        DataError: nobody, one class, or a score that is no finite number; see also `gather`.
    """
    if why := why_unfit([c.logit for c in validation], [c.label for c in validation]):
        raise _unusable(why)
    unit = unit or choose_unit(validation)
    units = gather(validation, unit)
    each = Counter((one.subject_id, one.label) for one in units)
    return Calibrator(
        unit,
        tuple(one.logit for one in units),
        tuple(one.label for one in units),
        tuple(1 / each[one.subject_id, one.label] for one in units),
    )


def why_unfit(logits: Sequence[float], labels: Sequence[int]) -> str:
    """Why nothing can be fitted on these validation scores; "" if it can."""
    if not len(logits):
        return "there are no validation people"
    bad = sum(not math.isfinite(logit) for logit in logits)
    if bad:
        return f"{bad} of {len(logits)} validation scores are not finite numbers"
    if set(labels) == {1}:
        return "the validation people are all positive"
    if set(labels) == {0}:
        return "the validation people are all negative"
    return ""


def _venn_abers(
    logits: tuple[float, ...], labels: tuple[int, ...], new: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Low and high; logits serve as scores, since only their order matters."""
    low, high = _look_up(new, *_isotonic_steps(logits, labels)).T
    low = np.clip(low, 0, 1)
    return low, np.clip(high, low, 1)


@lru_cache(maxsize=32)
def _isotonic_steps(
    logits: tuple[float, ...], labels: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The package's tables for label 0 and label 1, and the distinct scores."""
    # The package silences numpy's warnings for the whole program when it is imported, and warns
    # of empty slopes at its last step.
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        from venn_abers import calc_p0p1

        return calc_p0p1(_two_columns(np.array(logits)), np.array(labels))


def _look_up(new: np.ndarray, zero: np.ndarray, one: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """(n, 2) low and high."""
    with np.errstate(divide="ignore", invalid="ignore"):
        from venn_abers import calc_probs

        return calc_probs(zero, one, scores, _two_columns(new))[1]


def _two_columns(logits: np.ndarray) -> np.ndarray:
    """The package wants a column for each class and reads the second."""
    return np.stack([-logits, logits], axis=1)


def _finite(logits: Sequence[float] | np.ndarray) -> np.ndarray:
    new = np.asarray(logits, float)
    if not np.isfinite(new).all():
        raise DataError("A score that is no finite number cannot be calibrated")
    return new


def _unusable(why: str) -> DataError:
    return DataError(
        f"Nothing can be calibrated: {why}",
        expected="finite scores of validation people of both classes",
        next_step="evaluate a task that has validation people",
    )
