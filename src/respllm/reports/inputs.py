"""What a report is made of. Every part but the rows may be missing; the report then says why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from respllm.audits.results import AuditResult
from respllm.evaluation.assessment import Assessment
from respllm.evaluation.differences import Difference
from respllm.evaluation.table import ResultRow
from respllm.types import ProtocolName, Split

if TYPE_CHECKING:
    from respllm.audits.attribution import Attribution


@dataclass(frozen=True, slots=True)
class ComparisonTable:
    """A table of models beside each other, already rendered as text.

    Attributes:
        title: its heading.
        header: names of the columns.
        rows: cells, as many per row as the header has.
        notes: what a reader must know beside the table.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class BaselineDifference:
    """The model against one baseline on one task; above 0 the model is better."""

    task_id: str
    baseline: str
    difference: Difference


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """AUROC by number of training subjects.

    Attributes:
        model: its name.
        task: a task id, or "mean".
        subjects: training subjects per point, growing.
        mean: mean AUROC over seeds per point.
        low, high: 95% interval per point; empty where there is none.
    """

    model: str
    task: str
    subjects: tuple[int, ...]
    mean: tuple[float, ...]
    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class DataCount:
    """How much of one task is in one part."""

    task_id: str
    part: Split
    recordings: int
    subjects: int


@dataclass(frozen=True, slots=True)
class RunFacts:
    """How the run was made, from its record.

    Attributes:
        versions: of respllm, Python, torch and so on: (name, version).
        seed: of the run.
        counts: data per task and part.
        hardware: what it was computed on.
        commands: command lines that were run.
    """

    versions: tuple[tuple[str, str], ...]
    seed: int
    counts: tuple[DataCount, ...]
    hardware: str
    commands: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One person's recording, asked for by name.

    Attributes:
        name: as it was asked for.
        task_id: the question.
        label: the true answer, or None.
        probability: as the model gives it.
        low, high: its Venn-Abers pair; None without calibration.
        answers: conformal set; None without one.
        dms_text: what the model read about the person.
        notes: what a reader must know beside the number.
    """

    name: str
    task_id: str
    label: int | None
    probability: float
    low: float | None
    high: float | None
    answers: tuple[int, ...] | None
    dms_text: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportInputs:
    """Everything known about one run on one protocol.

    Attributes:
        run: its name.
        protocol: data choices of every number in here.
        simulated: whether the tested recordings are simulated.
        rows: the results table.
        assessments: one per task that was assessed.
        audit: None if the run was not audited.
        comparisons: models beside each other, as text.
        differences: paired differences behind them.
        curves: learning curves.
        attributions: one per task that was attributed.
        card: the model card, Markdown; "" if there is none.
        facts: None if the run kept no record.
        cases: single people, only where somebody asked for them by name.
    """

    run: str
    protocol: ProtocolName
    simulated: bool
    rows: Sequence[ResultRow]
    assessments: Sequence[Assessment] = ()
    audit: AuditResult | None = None
    comparisons: Sequence[ComparisonTable] = ()
    differences: Sequence[BaselineDifference] = ()
    curves: Sequence[LearningCurve] = ()
    attributions: Sequence[Attribution] = ()
    card: str = ""
    facts: RunFacts | None = None
    cases: Sequence[Case] = ()
