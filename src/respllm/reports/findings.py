"""What a reader must know within a minute, and whether to believe the model: by stated rules."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from respllm.audits.results import Verdict
from respllm.evaluation.table import ResultRow
from respllm.reports.formatting import between, listed, number
from respllm.reports.inputs import ReportInputs
from respllm.reports.statements import FEWEST_PEOPLE, Statement, rivals, statements

Believe = Literal["believe", "believe with limits", "do not believe"]
Support = Literal["supported", "with limits", "not supported"]

RULES = (
    "A task is not supported if its AUROC is undefined, if the interval contains 0.5 or lies "
    "below it, if one value alone (age, sex, ...) whose own interval excludes 0.5 reaches at least "
    "the model's AUROC, or if the audit found a problem on it.",
    f"A task is supported with limits if one class has fewer than {FEWEST_PEOPLE} people, if the "
    "model is not better than every baseline it was compared with (paired interval), or if its "
    "probabilities are over- or underconfident (interval of the calibration slope without 1).",
    "Do not believe: no AUROC is defined, a leak was found that concerns all tasks, or more than "
    "half of the tasks are not supported.",
    "Believe: every task is supported, the audit found no problem and checked everything, and the "
    "protocol is clean. Everything else: believe with limits.",
)
_ORDER: tuple[Verdict, ...] = ("problem", "not checked", "note", "fine")


@dataclass(frozen=True, slots=True)
class TaskVerdict:
    """How far the number of one task carries.

    Attributes:
        task_id: the task.
        auroc: with interval, as text.
        support: by `RULES`.
        reasons: of a support that is not whole.
    """

    task_id: str
    auroc: str
    support: Support
    reasons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """The minute's reading.

    Attributes:
        believe: the bottom line.
        about: whom the bottom line is about.
        reasons: why it is not better.
        statements: problems first.
        tasks: one per row of the results.
    """

    believe: Believe
    about: str
    reasons: tuple[str, ...]
    statements: tuple[Statement, ...]
    tasks: tuple[TaskVerdict, ...]

    @property
    def loud(self) -> tuple[Statement, ...]:
        """What is not fine."""
        return tuple(one for one in self.statements if one.verdict != "fine")

    @property
    def quiet(self) -> tuple[Statement, ...]:
        """What is fine."""
        return tuple(one for one in self.statements if one.verdict == "fine")


def find(inputs: ReportInputs) -> Findings:
    """Derive sentences, each task's support and the bottom line; see `RULES`."""
    found = [*statements(inputs)]
    if inputs.audit is not None:
        found += [Statement(one.verdict, one.text, one.audit) for one in inputs.audit.findings]
    found.sort(key=lambda one: _ORDER.index(one.verdict))
    tasks = tuple(_task(row, inputs) for row in inputs.rows)
    believe, reasons = _bottom_line(inputs, tasks)
    about = (
        "the simulated cohort only; nothing here is about patients"
        if inputs.simulated
        else "these test people only; another place needs its own test"
    )
    return Findings(believe, about, tuple(reasons), tuple(found), tasks)


def _task(row: ResultRow, inputs: ReportInputs) -> TaskVerdict:
    score = row.score
    auroc = number(score.value)
    if score.low is not None:
        auroc += f" ({between(score.low, score.high)})"
    against = [*_against(row, inputs)]
    limits = [*_limits(row, inputs)]
    support: Support = "not supported" if against else "with limits" if limits else "supported"
    return TaskVerdict(row.task_id, auroc, support, (*against, *limits))


def _against(row: ResultRow, inputs: ReportInputs) -> Iterable[str]:
    score = row.score
    if score.value is None:
        yield f"no AUROC: {score.note or 'undefined'}"
        return
    if score.low is None or score.high is None:
        yield "no interval"
    elif score.high < 0.5:
        yield "the answers point the wrong way"
    elif score.low <= 0.5:
        yield "the interval contains 0.5"
    for rival in rivals(row):
        yield f"{rival.name} alone reaches {number(rival.value)}"
    problems = [] if inputs.audit is None else inputs.audit.findings
    audits = {
        one.audit for one in problems if one.verdict == "problem" and one.task_id == row.task_id
    }
    if audits:
        yield f"the audit found a problem: {listed(sorted(audits))}"


def _limits(row: ResultRow, inputs: ReportInputs) -> Iterable[str]:
    fewest = min(row.score.n_positive, row.score.n_negative)
    if row.score.value is not None and fewest < FEWEST_PEOPLE:
        yield f"{fewest} people of one class"
    unbeaten = [
        one.baseline
        for one in inputs.differences
        if one.task_id == row.task_id and (one.difference.low is None or one.difference.low <= 0)
    ]
    if unbeaten:
        yield f"not better than {listed(unbeaten)}"
    for assessment in inputs.assessments:
        if assessment.task_id == row.task_id and assessment.calibrations:
            slope = assessment.calibrations[0].slope
            if slope.high is not None and slope.high < 1:
                yield "overconfident"
            elif slope.low is not None and slope.low > 1:
                yield "underconfident"


def _bottom_line(inputs: ReportInputs, tasks: tuple[TaskVerdict, ...]) -> tuple[Believe, list[str]]:
    audited = () if inputs.audit is None else inputs.audit.findings
    weak = [task.task_id for task in tasks if task.support == "not supported"]
    against = []
    if all(row.score.value is None for row in inputs.rows):
        against.append("No AUROC is defined.")
    if any(f.audit == "leaks" and f.verdict == "problem" and not f.task_id for f in audited):
        against.append("The audit found a leak that concerns all tasks.")
    if 2 * len(weak) > len(tasks):
        against.append(f"{len(weak)} of {len(tasks)} tasks are not supported: {listed(weak)}.")
    if against:
        return "do not believe", against
    limits = []
    if weak:
        limits.append(f"Not supported: {listed(weak)}.")
    partly = [task.task_id for task in tasks if task.support == "with limits"]
    if partly:
        limits.append(f"Supported with limits: {listed(partly)}.")
    if inputs.audit is None:
        limits.append("The run was not audited: nobody looked for leaks and shortcuts.")
    general = sorted({f.audit for f in audited if f.verdict == "problem" and not f.task_id})
    if general:
        limits.append(f"The audit found problems that concern all tasks: {listed(general)}.")
    unchecked = sorted({f.audit for f in audited if f.verdict == "not checked"})
    if unchecked:
        limits.append(f"The audit could not check everything: {listed(unchecked)}.")
    if inputs.protocol == "paper":
        limits.append("The protocol repeats the published data choices, faults included.")
    return ("believe with limits", limits) if limits else ("believe", [])
