"""Curves, calibration, thresholds, decisions and conformal sets, task by task."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from respllm.evaluation.assessment import Assessment, Conformal, Estimate
from respllm.reports.curves import decision_plot, precision_recall_plot, reliability_plot, roc_plot
from respllm.reports.document import Block, Bullets, Missing, Plot, Plots, Section, Table, Text
from respllm.reports.formatting import listed, number, share, with_interval
from respllm.reports.inputs import ReportInputs

NOT_ASSESSED = "The run was not assessed beyond its AUROC: no scores of its units were kept."


def assessment_sections(inputs: ReportInputs) -> list[Section]:
    """Five sections; each names the tasks it could not be filled for."""
    found = inputs.assessments
    return [
        _pictures(inputs, "roc", "ROC curves", _roc),
        _pictures(inputs, "precision-recall", "Precision and recall", _precision_recall),
        _calibration(inputs),
        Section("thresholds", "Thresholds", tuple(_thresholds(inputs))),
        _pictures(inputs, "decisions", "Decision curves", _decision),
        Section("conformal", "Coverage and abstention", tuple(_conformal(inputs))),
        Section(
            "not-computed",
            "Notes on these numbers",
            tuple(_notes(found)) if found else (Missing(NOT_ASSESSED),),
        ),
    ]


def _pictures(
    inputs: ReportInputs,
    key: str,
    title: str,
    draw: Callable[[str, Assessment], Plot | None],
) -> Section:
    if not inputs.assessments:
        return Section(key, title, (Missing(NOT_ASSESSED),))
    plots, without = [], []
    for number_, one in enumerate(inputs.assessments):
        plot = draw(f"{key}-{number_}", one)
        if plot is None:
            without.append(one.task_id)
        else:
            plots.append(plot)
    blocks: list[Block] = [_EXPLAINED[key]]
    if plots:
        blocks.append(Plots(tuple(plots)))
    if without:
        blocks.append(_without(without))
    return Section(key, title, tuple(blocks))


_EXPLAINED = {
    "roc": Text("The dashed line is chance; the band is a pointwise 95% band by subject."),
    "precision-recall": Text("The dashed line is the share of positives: what chance gives."),
    "decisions": Text(
        "Net benefit (Vickers and Elkin 2006): true positives, less false positives weighed by the "
        "odds of the threshold, per unit. The model helps where its line is the highest."
    ),
}


def _without(tasks: list[str]) -> Missing:
    return Missing(f"Not drawn for {listed(tasks)}: undefined there; see “Notes on these numbers”.")


def _roc(key: str, one: Assessment) -> Plot | None:
    if one.roc is None:
        return None
    score = one.auroc
    return roc_plot(key, one.task_id, one.roc, with_interval(score.value, score.low, score.high))


def _precision_recall(key: str, one: Assessment) -> Plot | None:
    if one.precision_recall is None:
        return None
    area = _estimate(one.average_precision)
    return precision_recall_plot(key, one.task_id, one.precision_recall, one.prevalence, area)


def _decision(key: str, one: Assessment) -> Plot | None:
    return None if one.decision is None else decision_plot(key, one.task_id, one.decision)


def _estimate(value: Estimate) -> str:
    return with_interval(value.value, value.low, value.high)


def _calibration(inputs: ReportInputs) -> Section:
    def draw(key: str, one: Assessment) -> Plot | None:
        some = any(calibration.bins for calibration in one.calibrations)
        return reliability_plot(key, one.task_id, one.calibrations) if some else None

    title = "Calibration"
    if not inputs.assessments:
        return Section("calibration", title, (Missing(NOT_ASSESSED),))
    rows = tuple(
        (
            *(one.task_id, calibration.name, str(one.n_validation)),
            *(_estimate(calibration.brier), _estimate(calibration.error)),
            *(_estimate(calibration.slope), _estimate(calibration.intercept)),
        )
        for one in inputs.assessments
        for calibration in one.calibrations
    )
    blocks: list[Block] = [
        Text(
            "How far a probability can be taken at its word. Slope 1 and intercept 0 are perfect; "
            "a slope below 1 is overconfident. What is fitted is fitted on validation people only."
        )
    ]
    if rows:
        header = (
            *("Task", "Calibration", "Validation units"),
            *("Brier", "Calibration error", "Slope", "Intercept"),
        )
        blocks.append(Table("Calibration on test people", header, rows))
    plots, without = [], []
    for row, one in enumerate(inputs.assessments):
        plot = draw(f"calibration-{row}", one)
        if plot is None:
            without.append(one.task_id)
        else:
            plots.append(plot)
    if plots:
        blocks.append(Plots(tuple(plots)))
    if without:
        blocks.append(_without(without))
    return Section("calibration", title, tuple(blocks))


def _thresholds(inputs: ReportInputs) -> Iterable[Block]:
    if not inputs.assessments:
        yield Missing(NOT_ASSESSED)
        return
    rows = tuple(
        (
            *(one.task_id, point.rule, number(point.threshold)),
            *(_estimate(point.sensitivity), _estimate(point.specificity)),
            *(_estimate(point.ppv), _estimate(point.npv)),
        )
        for one in inputs.assessments
        for point in one.operating_points
    )
    header = (
        *("Task", "Threshold chosen for", "Log-odds"),
        *("Sensitivity", "Specificity", "PPV", "NPV"),
    )
    if rows:
        yield Table(
            "At thresholds chosen on validation people, unchanged on test people", header, rows
        )
    without = [one.task_id for one in inputs.assessments if not one.operating_points]
    if without:
        yield Missing(
            f"No threshold for {listed(without)}: without validation people none can be chosen."
        )


def _conformal(inputs: ReportInputs) -> Iterable[Block]:
    if not inputs.assessments:
        yield Missing(NOT_ASSESSED)
        return
    found = [(one.task_id, one.conformal) for one in inputs.assessments if one.conformal]
    if found:
        yield Text(
            "A conformal set holds the answers that are not ruled out. One that is not exactly one "
            "answer abstains."
        )
        header = (
            *("Task", "Promised", "Covered", "Covered, class 1", "Covered, class 0"),
            *("Abstained", "Right when answering"),
        )
        rows = tuple((task, *_covered(one)) for task, one in found)
        yield Table("Conformal sets on test people", header, rows)
        yield Bullets(tuple(dict.fromkeys(one.statement for _, one in found)))
    without = [one.task_id for one in inputs.assessments if one.conformal is None]
    if without:
        yield Missing(
            f"No conformal sets for {listed(without)}: they are fitted on validation people of the "
            "same task, and there were none or too few."
        )


def _covered(one: Conformal) -> tuple[str, ...]:
    return (
        share(one.level),
        *(_estimate(part) for part in (one.coverage, one.coverage_positive)),
        _estimate(one.coverage_negative),
        _estimate(one.abstained),
        _estimate(one.accuracy_when_answering),
    )


def _notes(found: Iterable[Assessment]) -> Iterable[Block]:
    notes = tuple(f"{one.task_id}: {note}" for one in found for note in one.notes)
    yield Bullets(notes) if notes else Text("None: everything above could be computed.")
