"""Everything that is told about one model on one task besides its AUROC."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import get_args

import numpy as np
import scipy

from respllm.evaluation.assessment import (
    Assessment,
    CalibratedUnit,
    Calibration,
    Conformal,
    OperatingPoint,
)
from respllm.evaluation.auroc import auroc_score
from respllm.evaluation.calibration import measure_calibration
from respllm.evaluation.calibrator import Calibrator, fit_calibration, why_unfit
from respllm.evaluation.conformal import LEVEL, fewest_people, measure_conformal
from respllm.evaluation.curves import average_precision, precision_recall, roc
from respllm.evaluation.decision import decision_curve
from respllm.evaluation.gathering import Gathered, ScoredClip, choose_unit, gather
from respllm.evaluation.operating import SPECIFIC, choose_thresholds, operating_point
from respllm.evaluation.platt import fit_platt
from respllm.evaluation.proportions import UNDEFINED
from respllm.types import Unit


@dataclass(frozen=True, slots=True)
class _Test:
    """Test units side by side, (n,) each; `people` are whole numbers."""

    units: tuple[Gathered, ...]
    logits: np.ndarray
    labels: np.ndarray
    people: np.ndarray


@dataclass(frozen=True, slots=True)
class _Fitted:
    """What validation people gave, applied to test units; `scales`: calibrated logits by name."""

    operating_points: tuple[OperatingPoint, ...]
    scales: dict[str, np.ndarray]
    units: tuple[CalibratedUnit, ...]
    conformal: Conformal
    notes: tuple[str, ...]


def assess(
    validation: Sequence[ScoredClip], test: Sequence[ScoredClip], *, unit: Unit | None = None
) -> Assessment:
    """Assess one model on the test part of one task.

    Thresholds, calibrations and conformal sets are fitted on `validation` alone and applied to
    `test` unchanged. Whatever cannot be computed is None or empty, and `notes` says why.

    Args:
        validation: every clip of validation people that has a score and a label; may be empty.
        test: the same of test people.
        unit: what one score belongs to; by default the largest that the labels of both parts
            allow, so that what is fitted and what it is applied to are alike; that of the test
            part where nothing is fitted.

    Raises:
        ValueError: clips of several tasks.
        DataError: see `gather`.
    """
    tasks = sorted({clip.task_id for clip in (*validation, *test)})
    if len(tasks) > 1:
        raise ValueError(f"an assessment is of one task, got clips of {', '.join(tasks)}")
    notes = _about_people(validation, test)
    why = why_unfit([clip.logit for clip in validation], [clip.label for clip in validation])
    if unit is None:
        unit = choose_unit(test) if why else _common_unit(validation, test)
        if test and unit != choose_unit(test):
            notes.append(f"one score per {unit}: validation people have both answers")
    if why:
        calibrator = None
        notes.append(f"no thresholds, calibration or conformal sets: {why}")
    else:
        calibrator = fit_calibration(validation, unit)
        notes += _about_validation(calibrator)
    auroc = auroc_score(test, unit)
    if auroc.note:
        notes.append(f"test part: {auroc.note}")
    nothing = Assessment(
        task_id=tasks[0] if tasks else "",
        unit=unit,
        n_validation=len(calibrator.logits) if calibrator else 0,
        auroc=auroc,
        prevalence=None,
        average_precision=UNDEFINED,
        roc=None,
        precision_recall=None,
        operating_points=(),
        calibrations=(),
        units=(),
        conformal=None,
        decision=None,
        notes=tuple(notes),
    )
    if not test or not all(math.isfinite(clip.logit) for clip in test):
        return nothing
    return _assessed(nothing, calibrator, _side_by_side(gather(test, unit)))


def _assessed(start: Assessment, calibrator: Calibrator | None, test: _Test) -> Assessment:
    fitted = _fitted(calibrator, test) if calibrator else None
    scales = {"as given": test.logits, **(fitted.scales if fitted else {})}
    calibrations, missing = _measured(scales, test)
    found = replace(
        start,
        prevalence=float(test.labels.mean()),
        operating_points=fitted.operating_points if fitted else (),
        calibrations=calibrations,
        units=fitted.units if fitted else (),
        conformal=fitted.conformal if fitted else None,
        notes=(*start.notes, *(fitted.notes if fitted else ()), *missing),
    )
    if len(set(test.labels.tolist())) == 1:
        return found
    best = scales["Venn-Abers" if fitted else "as given"]
    return replace(
        found,
        average_precision=average_precision(test.logits, test.labels, test.people),
        roc=roc(test.logits, test.labels, test.people),
        precision_recall=precision_recall(test.logits, test.labels),
        decision=decision_curve(scipy.special.expit(best), test.labels),
    )


def _common_unit(validation: Sequence[ScoredClip], test: Sequence[ScoredClip]) -> Unit:
    """The largest unit that both parts allow."""
    sizes: tuple[Unit, ...] = get_args(Unit)
    return max(choose_unit(validation), choose_unit(test), key=sizes.index)


def _about_people(validation: Sequence[ScoredClip], test: Sequence[ScoredClip]) -> list[str]:
    shared = {c.subject_id for c in validation} & {c.subject_id for c in test}
    if not shared:
        return []
    return [
        f"{len(shared)} people are in both the validation and the test part, so what is fitted on "
        "one looks too good on the other"
    ]


def _side_by_side(units: Sequence[Gathered]) -> _Test:
    _, people = np.unique([one.subject_id for one in units], return_inverse=True)
    return _Test(
        tuple(units),
        np.array([one.logit for one in units]),
        np.array([one.label for one in units]),
        people,
    )


def _measured(
    scales: Mapping[str, np.ndarray], test: _Test
) -> tuple[tuple[Calibration, ...], list[str]]:
    """Every calibration's measures, and what is missing of which of them."""
    found, missing = [], defaultdict(list)
    for name, logits in scales.items():
        measured, notes = measure_calibration(name, logits, test.labels, test.people)
        found.append(measured)
        for note in notes:
            missing[note].append(name)
    return tuple(found), [f"{note} ({', '.join(names)})" for note, names in missing.items()]


def _fitted(calibrator: Calibrator, test: _Test) -> _Fitted:
    notes = []
    thresholds = choose_thresholds(*calibrator.arrays)
    if SPECIFIC not in thresholds:
        notes.append(f"no threshold reaches {SPECIFIC}")
    calibrated, low, high = calibrator.calibrate(test.logits)
    answers = calibrator.answers(test.logits)
    scales = {"Venn-Abers": scipy.special.logit(calibrated)}
    platt = fit_platt(*calibrator.arrays)
    if platt is None:
        notes.append("no Platt calibration: every validation score is the same")
    else:
        scales = {"Platt": platt.calibrate(test.logits), **scales}
        if platt.slope < 0:
            notes.append("on validation people higher scores speak against the condition")
    return _Fitted(
        operating_points=tuple(
            operating_point(rule, threshold, test.logits, test.labels, test.people)
            for rule, threshold in thresholds.items()
        ),
        scales=scales,
        units=tuple(
            CalibratedUnit(
                unit_id=one.unit_id,
                subject_id=one.subject_id,
                label=one.label,
                probability=float(scipy.special.expit(one.logit)),
                calibrated=float(calibrated[place]),
                low=float(low[place]),
                high=float(high[place]),
                answers=answers[place],
            )
            for place, one in enumerate(test.units)
        ),
        conformal=measure_conformal(
            answers, test.labels, test.people, level=LEVEL, unit=calibrator.unit
        ),
        notes=tuple(notes),
    )


def _about_validation(calibrator: Calibrator) -> list[str]:
    needed = fewest_people(LEVEL)
    return [
        f"only {people} {whose} validation people: thresholds and calibration are uncertain, and "
        f"as a promise of {LEVEL:.2f} needs {needed}, the answer {answer} is never ruled out, so "
        f"no conformal set says {1 - answer} alone"
        for people, whose, answer in (
            (calibrator.n_positive, "positive", 1),
            (calibrator.n_negative, "negative", 0),
        )
        if people < needed
    ]
