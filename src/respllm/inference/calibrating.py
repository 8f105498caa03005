"""A calibrated probability and a verdict for one score, or why there are none."""

from __future__ import annotations

from dataclasses import dataclass

from respllm.evaluation.conformal import LEVEL
from respllm.inference.answer import Calibrated, Verdict
from respllm.inference.question import Question
from respllm.models.calibration_file import Calibration, KeptCalibrator
from respllm.types import Unit

NO_FILE = (
    "Not calibrated: the model comes without its validation people's scores; train it again with "
    "this version."
)
NOT_TESTED = "Not calibrated: nobody's true answer to this question is known to the model."
NOT_LEARNED = (
    "Not calibrated: the model never learned this task, so it has no validation people for it "
    "(zero-shot)."
)
BY_CLIP = (
    "Not calibrated: this task is answered clip by clip, and one score of a longer recording has "
    "no like among validation people."
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Calibrated probability and verdict, or why there are none ("" where there are)."""

    calibrated: Calibrated | None
    verdict: Verdict | None
    why: str


def calibrator_for(
    calibration: Calibration | None, question: Question, unit: Unit, clips: int
) -> KeptCalibrator | str:
    """The calibrator for one score of a unit, or why there is none.

    Args:
        calibration: the model's.
        unit: what the score belongs to.
        clips: how many the unit has: a recording of one clip is a clip too.
    """
    if question.known is None:
        return NOT_TESTED
    if question.known.role != "source":
        return NOT_LEARNED
    if calibration is None:
        return NO_FILE
    task = question.task_id
    units = calibration.tasks.get(task)
    if units is None:
        why = calibration.missing.get(task, "there are no validation people")
        return f"Not calibrated: {why}."
    if unit in units:
        return units[unit]
    if unit == "recording" and clips == 1 and "clip" in units:
        return units["clip"]
    if "recording" in units:
        return (
            "Not calibrated: validation people have both answers in different recordings, so one "
            "score of a person has no like among them."
        )
    return BY_CLIP


def judge(calibrator: KeptCalibrator | str, logit: float) -> Judgement:
    """What validation people say about a score before any correction."""
    if isinstance(calibrator, str):
        return Judgement(None, None, calibrator)
    probability, low, high = calibrator.calibrate(logit)
    own = calibrator.calibrator
    return Judgement(
        Calibrated(probability, low, high, own.unit, own.n_positive, own.n_negative),
        Verdict(own.answers([logit])[0], LEVEL),
        "",
    )
