"""Everything that is told about one model on one task besides its AUROC: one typed result.

What is fitted (thresholds, calibration, conformal sets) is fitted on validation people of the
same task and applied to test people unchanged. Without validation people these parts are None and
`notes` says so.
"""

from __future__ import annotations

from dataclasses import dataclass

from respllm.types import Score, Unit


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its 95% interval by subject; all None if it is undefined."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class OperatingPoint:
    """A threshold chosen on validation people, and what it gives on test people.

    Attributes:
        rule: how the threshold was chosen ("largest Youden index on validation people").
        threshold: of the logit; at or above it the answer is 1.
        sensitivity, specificity, ppv, npv: on the test units.
    """

    rule: str
    threshold: float
    sensitivity: Estimate
    specificity: Estimate
    ppv: Estimate
    npv: Estimate


@dataclass(frozen=True, slots=True)
class Curve:
    """A curve with a pointwise 95% band; `low` and `high` are empty where there is none."""

    x: tuple[float, ...]
    y: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Test units whose probability falls in one bin (equal numbers of units).

    Attributes:
        predicted: mean probability.
        observed: share of positives, with its interval.
        units: how many.
    """

    predicted: float
    observed: Estimate
    units: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far probabilities can be taken at their word.

    Attributes:
        name: "as given", or the calibration fitted on validation people ("Platt", "Venn-Abers").
        brier: mean squared error of the probabilities.
        error: expected calibration error over bins of equal numbers.
        slope, intercept: of a logistic regression of the label on the logit; 1 and 0 are perfect.
        bins: for the reliability diagram.
    """

    name: str
    brier: Estimate
    error: Estimate
    slope: Estimate
    intercept: Estimate
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True, slots=True)
class CalibratedUnit:
    """One test unit's probability, with an interval that has a name.

    Attributes:
        probability: as the model gives it.
        calibrated: the one number of Venn-Abers, high / (1 - low + high).
        low, high: the Venn-Abers pair: one of the two is a perfectly calibrated probability, if
            the person is exchangeable with the validation people.
        answers: conformal set: the answers that are not ruled out; () and (0, 1) abstain.
    """

    unit_id: str
    subject_id: str
    label: int
    probability: float
    calibrated: float
    low: float
    high: float
    answers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Conformal:
    """Class-conditional split conformal sets, fitted on validation people.

    Attributes:
        level: promised coverage within each class.
        coverage, coverage_positive, coverage_negative: share of test units whose set holds the
            true answer.
        abstained: share of test units whose set is not exactly one answer.
        accuracy_when_answering: share of right answers among the others.
        statement: what the promise rests on, and that it does not carry over to other datasets.
    """

    level: float
    coverage: Estimate
    coverage_positive: Estimate
    coverage_negative: Estimate
    abstained: Estimate
    accuracy_when_answering: Estimate
    statement: str


@dataclass(frozen=True, slots=True)
class DecisionCurve:
    """Net benefit at each threshold probability (Vickers and Elkin 2006), in closed form.

    Attributes:
        thresholds: probabilities at which one would act.
        model: by the model's (calibrated, where fitted) probabilities.
        act_on_all: whoever comes; acting on nobody has net benefit 0.
    """

    thresholds: tuple[float, ...]
    model: tuple[float, ...]
    act_on_all: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """One model on the test part of one task.

    Attributes:
        unit: what one score belongs to; every part uses the same.
        n_validation: validation units that things were fitted on.
        auroc: with interval.
        average_precision: area under the precision-recall curve; `prevalence` is its chance level.
        roc, precision_recall: curves; the ROC has a band.
        operating_points: at thresholds chosen on validation people.
        calibrations: as given, then each calibration fitted on validation people.
        units: every test unit; empty without calibration.
        notes: what could not be computed, and why.
    """

    task_id: str
    unit: Unit
    n_validation: int
    auroc: Score
    prevalence: float | None
    average_precision: Estimate
    roc: Curve | None
    precision_recall: Curve | None
    operating_points: tuple[OperatingPoint, ...]
    calibrations: tuple[Calibration, ...]
    units: tuple[CalibratedUnit, ...]
    conformal: Conformal | None
    decision: DecisionCurve | None
    notes: tuple[str, ...]
