"""Results made by hand: a plausible run, an undefined one, and one with hostile words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from respllm.audits.attributed_words import WordAttribution
from respllm.audits.attribution import (
    Attribution,
    AudioBand,
    RandomisationCheck,
)
from respllm.audits.results import (
    AuditResult,
    Finding,
    InputEffect,
    Leak,
    MatchedScore,
    QuestionEffect,
    Shortcut,
    SubgroupScore,
)
from respllm.evaluation.assessment import (
    Assessment,
    CalibratedUnit,
    Calibration,
    Conformal,
    Curve,
    DecisionCurve,
    Estimate,
    OperatingPoint,
    ReliabilityBin,
)
from respllm.evaluation.differences import Difference
from respllm.evaluation.table import ResultRow
from respllm.reports import (
    BaselineDifference,
    Case,
    ComparisonTable,
    DataCount,
    LearningCurve,
    ReportInputs,
    RunFacts,
)
from respllm.types import Score

NOTHING = Estimate(None, None, None)
SUBJECT = "icbhi/zebra-101"
CARD = """---
library_name: respllm
---
# A RespLLM model

**Research software.** Head: mean

| task | data |
|---|---|
| S7 | icbhi |
"""


def a_score(
    value: float | None, low: float | None = None, high: float | None = None, **changes: object
) -> Score:
    score = Score(
        *("auroc", value, low, high, 60, 32, 18, 14, "subject", "Newcombe's (2006) method 5"),
        "" if value is not None else "one class only",
    )
    return replace(score, **changes)  # type: ignore[arg-type]


def a_row(task: str = "S7", score: Score | None = None, **changes: object) -> ResultRow:
    row = ResultRow(
        *(task, "icbhi", "COPD", "lung sounds", "trained", "test", "clean"),
        a_score(0.85, 0.71, 0.93) if score is None else score,
    )
    return replace(row, **changes)  # type: ignore[arg-type]


def a_difference(value: float | None, low: float | None, high: float | None) -> Difference:
    return Difference(
        *(value, low, high, None if value is None else 0.03, low, high, 32),
        *("paired DeLong by subject", "subject bootstrap"),
        "" if value is not None else "one class only",
    )


def an_assessment(task: str = "S7", slope: Estimate | None = None) -> Assessment:
    x = np.linspace(0, 1, 50)
    y = np.sqrt(x)
    curve = Curve(*map(tuple, (x, y, np.clip(y - 0.15, 0, 1), np.clip(y + 0.1, 0, 1))))
    bins = tuple(
        ReliabilityBin(p, Estimate(q, max(0, q - 0.2), min(1, q + 0.2)), 8)
        for p, q in ((0.1, 0.2), (0.4, 0.45), (0.7, 0.6), (0.9, 0.75))
    )
    given = Calibration(
        *("as given", Estimate(0.18, 0.12, 0.24), Estimate(0.09, 0.05, 0.2)),
        slope or Estimate(0.6, 0.4, 0.85),
        *(Estimate(-0.1, -0.6, 0.4), bins),
    )
    fitted = replace(given, name="Venn-Abers", slope=Estimate(1.02, 0.7, 1.4))
    thresholds = np.linspace(0.05, 0.95, 19)
    return Assessment(
        task,
        "subject",
        20,
        a_score(0.85, 0.71, 0.93),
        0.56,
        Estimate(0.86, 0.7, 0.94),
        curve,
        Curve(tuple(x), tuple(1 - 0.4 * x)),
        (
            OperatingPoint(
                "largest Youden index on validation people",
                *(0.2, Estimate(0.8, 0.6, 0.9), Estimate(0.7, 0.5, 0.85)),
                *(Estimate(0.75, 0.6, 0.9), Estimate(0.7, 0.5, 0.8)),
            ),
        ),
        (given, fitted),
        (CalibratedUnit(SUBJECT, SUBJECT, 1, 0.8, 0.75, 0.7, 0.8, (1,)),),
        Conformal(
            *(0.9, Estimate(0.91, 0.8, 0.97), Estimate(0.9, 0.7, 0.98), Estimate(0.92, 0.7, 0.98)),
            *(Estimate(0.4, 0.25, 0.6), Estimate(0.84, 0.7, 0.95)),
            "Holds for people exchangeable with the validation people; not on other datasets.",
        ),
        DecisionCurve(
            tuple(thresholds),
            tuple(0.5 - 0.45 * thresholds),
            tuple(0.56 - 0.44 * thresholds / (1 - thresholds)),
        ),
        ("the calibration slope rests on 32 people",),
    )


def an_undefined_assessment(task: str = "T6") -> Assessment:
    return Assessment(
        *(task, "subject", 0, a_score(None), None, NOTHING, None, None, (), (), (), None, None),
        ("one class only: no curve", "no validation people: nothing was fitted"),
    )


def an_audit(findings: tuple[Finding, ...] | None = None) -> AuditResult:
    if findings is None:
        findings = (
            Finding("shortcuts", "S7", "problem", "On S7 the device tells the answer (0.86)."),
            Finding("leaks", "", "fine", "No recording is in two parts."),
            Finding("question", "T6", "note", "T6's scores hardly move with the question."),
        )
    return AuditResult(
        *("demo", "clean", True, "respllm-123456789abc", findings),
        (
            InputEffect("S7", "audio", "swapped", 0.7, a_difference(0.15, 0.05, 0.25)),
            InputEffect("S7", "audio", "removed", 0.68, a_difference(0.17, 0.06, 0.28)),
            InputEffect("S7", "text", "swapped", 0.6, a_difference(0.25, 0.1, 0.4)),
            InputEffect("S7", "age", "swapped", None, a_difference(None, None, None)),
        ),
        (QuestionEffect("T6", "negated", "Output 0", 0.5, 0.98, a_difference(0.0, -0.1, 0.1)),),
        (MatchedScore("S7", ("age", "sex"), 9, a_score(0.85, 0.71, 0.93), a_score(0.6, 0.4, 0.8)),),
        (
            SubgroupScore("S7", "sex", "Female", a_score(0.8, 0.6, 0.9), False, True),
            SubgroupScore("S7", "sex", "Male", a_score(0.88, 0.7, 0.95), False, False),
            SubgroupScore("S7", "age band", "under 20", a_score(None), True, False),
            SubgroupScore("S7", "device", "Meditron", a_score(0.9, 0.3, 0.99), True, False),
        ),
        (
            Shortcut("S7", "device", "provenance", a_score(0.86, 0.7, 0.95), 0.001, 0.4, True),
            Shortcut("S7", "duration", "acoustic", a_score(0.5, 0.3, 0.7), 1.0, None, False),
        ),
        (Leak("identical audio", ("S7",), ("train", "test"), 2, (f"{SUBJECT}/a",)),),
    )


def an_attribution(passed: bool = True) -> Attribution:
    values = tuple(0.01 + 0.01 * np.sin(np.arange(32) / 4) ** 2)
    return Attribution(
        *("respllm-123456789abc", "S7", "Integrated Gradients", "Baseline: a mean token.", 24, 20),
        (
            AudioBand("low frequencies", 50, 1000, 0.256, values),
            AudioBand("high frequencies", 1000, 8000, 0.256, values[::-1]),
        ),
        (
            WordAttribution("(number)", "DMS", 0.4, 0.5, 20),
            WordAttribution("copd", "prompt", -0.1, 0.12, 20),
        ),
        *(0.3, 0.5, 0.2, 0.0001, 1.2, RandomisationCheck(0.2, 0.1 if passed else 0.9, passed)),
    )


def full_inputs(**changes: object) -> ReportInputs:
    """Every part there; S7 beaten by age, T6 at chance, S1 good, T3 undefined."""
    age = {"age": a_score(1.0, 0.9, 1.0), "sex": a_score(0.62, 0.4, 0.8)}
    rows = (
        a_row("S7", a_score(0.675, 0.53, 0.824), trivial=age, best_reachable=0.9, paper=0.95),
        a_row("S1", trivial={"age": a_score(0.55, 0.4, 0.7)}, best_reachable=0.87, skipped=2),
        a_row("T6", a_score(0.471, 0.341, 0.606), role="zero-shot", paper=0.66),
        a_row("T3", a_score(None, n_negative=0), role="zero-shot"),
    )
    inputs = ReportInputs(
        "demo",
        "clean",
        True,
        rows,
        (an_assessment("S7"), an_assessment("S1"), an_undefined_assessment()),
        an_audit(),
        (
            ComparisonTable(
                "Table 2", ("Model", "S7", "S1"), (("RespLLM", "0.675", "0.850"),), ("5 seeds",)
            ),
        ),
        (
            BaselineDifference("S7", "Fusion-soft", a_difference(-0.01, -0.1, 0.08)),
            BaselineDifference("S1", "Fusion-soft", a_difference(0.09, 0.02, 0.17)),
        ),
        (
            LearningCurve("RespLLM", "mean", (50, 200, 800), (0.6, 0.7, 0.8)),
            LearningCurve(
                *("Audio", "mean", (50, 200, 800), (0.55, 0.6, 0.62)),
                *((0.5, 0.55, 0.6), (0.6, 0.65, 0.7)),
            ),
        ),
        (an_attribution(),),
        CARD,
        RunFacts(
            (("respllm", "0.1.0"), ("torch", "2.13")),
            *(42, (DataCount("S7", "train", 40, 19), DataCount("S7", "test", 60, 32))),
            *("2 CPU cores", ("respllm train configs/demo.yaml",)),
        ),
    )
    return replace(inputs, **changes)  # type: ignore[arg-type]


def bare_inputs(**changes: object) -> ReportInputs:
    """Nothing but one row."""
    return replace(ReportInputs("bare", "clean", False, (a_row(),)), **changes)  # type: ignore[arg-type]


def a_case() -> Case:
    return Case(
        *(SUBJECT, "S7", 1, 0.8, 0.7, 0.8, (1,), "Gender: Male. Age: 65."), ("checked by hand",)
    )
