"""From kept scores to a table: every model on every task, with intervals, beside the paper's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Literal

from respllm.comparisons.entries import Entry
from respllm.comparisons.transfers import sources_of
from respllm.evaluation import ScoredClip, ScoredUnits, ScoreRow, paper_auroc, scored_units
from respllm.evaluation.auroc import mean_auroc, undefined
from respllm.evaluation.differences import Difference, mean_difference, paired_difference
from respllm.evaluation.multiplicity import holm
from respllm.tasks import Task
from respllm.types import ProtocolName, Score, Unit

Columns = Literal["trained", "targets"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One model on one task.

    Attributes:
        task_id: the column.
        score: AUROC, a mean over seeds and sources; None where the model cannot answer the task.
        sources: trained tasks whose models were averaged; () for one model of all tasks.
        paper: what the paper prints.
        lead: the reference model's AUROC minus this one's, paired; None for the reference itself.
        p_corrected: of `lead`, after Holm over this row's tasks.
        note: why there is no score.
    """

    task_id: str
    score: Score | None
    sources: tuple[str, ...] = ()
    paper: float | None = None
    lead: Difference | None = None
    p_corrected: float | None = None
    note: str = ""


@dataclass(frozen=True, slots=True)
class PaperMean:
    """An average of the paper; None where it prints none, or not over these tasks.

    Attributes:
        printed: as printed.
        of_columns: the mean of the columns it stands for; they differ in Table 7.
    """

    printed: float | None = None
    of_columns: float | None = None


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model.

    Attributes:
        cells: by task, in the table's order.
        paper: what the paper prints as its mean.
        mean: AUROC averaged over the table's `averaged` tasks; None where one is undefined.
        mean_lead: the reference's mean minus this one's, paired over people and tasks.
        not_run: why there are no scores; "" if there are.
    """

    entry: Entry
    cells: tuple[Cell, ...]
    paper: PaperMean
    mean: float | None = None
    mean_lead: Difference | None = None
    not_run: str = ""


@dataclass(frozen=True, slots=True)
class ComparisonResult:
    """A finished table.

    Attributes:
        title: what it compares.
        columns: whether its tasks were learned, or only tested.
        tasks: its columns.
        rows: its models; `reference` names the one that leads are counted from.
        averaged: the tasks that `mean` is over: those that every neural model of the table answers.
        seeds: that every model was trained with.
        notes: what a reader must know beside the numbers.
    """

    title: str
    columns: Columns
    tasks: tuple[str, ...]
    rows: tuple[ModelRow, ...]
    reference: str
    averaged: tuple[str, ...]
    protocol: ProtocolName
    simulated: bool
    seeds: tuple[int, ...]
    notes: tuple[str, ...] = ()


NO_ANSWER = "no answer"
"""Note of a cell whose model cannot answer the task: nobody trained on it, or nothing is stated."""

_SOURCES = tuple(f"S{number}" for number in range(1, 8))
_TARGETS = tuple(f"T{number}" for number in range(1, 6))
PAPER_COLUMNS: Mapping[int, tuple[str, ...]] = {
    2: _SOURCES,
    3: _TARGETS,
    4: _SOURCES,
    5: _TARGETS,
    6: _SOURCES,
    7: (*_TARGETS, "T6"),
}
"""What the paper's averages are over: without T6 in Tables 3 and 5, with it in Table 7."""

Kept = Mapping[str, Sequence[Sequence[ScoreRow]]]
"""Entry name -> for each seed, its scored clips."""


def tabulate(
    entries: Sequence[Entry],
    kept: Kept,
    not_run: Mapping[str, str],
    left_out: Mapping[str, Mapping[str, str]],
    tasks: Sequence[Task],
    trained: Sequence[Task],
    *,
    title: str,
    columns: Columns,
    table: int | None,
    reference: str,
    protocol: ProtocolName,
    simulated: bool,
    seeds: Sequence[int],
    notes: Sequence[str] = (),
) -> ComparisonResult:
    """Put models side by side.

    Args:
        entries: the rows.
        kept: scores of the entries that were run.
        not_run: why the others were not.
        left_out: of each entry, trained tasks that it could not learn, with the reasons.
        tasks: the columns.
        trained: tasks that models were trained on.
        table: the paper's table that holds the printed figures; None prints none.
        reference: name of the entry that leads are counted from.

    Raises:
        DataError: two models scored other recordings, or under other answers.
    """
    # The paper counts recordings, whoever made them.
    unit: Unit | None = "recording" if protocol == "paper" else None
    units = {
        entry.name: {
            task.id: found
            for task in tasks
            if (found := _units(entry, kept[entry.name], task, trained, unit)) is not None
        }
        for entry in entries
        if entry.name in kept
    }
    # A single stated value that a dataset lacks must not take everybody's mean along.
    learned = [units[e.name] for e in entries if e.name in units and e.kind != "tabular"]
    averaged = tuple(
        task.id
        for task in tasks
        if learned and all(task.id in own and not undefined(own[task.id]) for own in learned)
    )
    rows = [
        _row(entry, units, left_out.get(entry.name, {}), tasks, trained, averaged, table, reference)
        if entry.name in units
        else ModelRow(
            entry,
            tuple(Cell(task.id, None, paper=_paper(task.id, entry, table)) for task in tasks),
            _paper_mean(entry, tasks, table),
            not_run=not_run.get(entry.name, "not run"),
        )
        for entry in entries
    ]
    return ComparisonResult(
        title,
        columns,
        tuple(task.id for task in tasks),
        tuple(rows),
        reference,
        averaged,
        protocol,
        simulated,
        tuple(seeds),
        tuple(notes),
    )


def _units(
    entry: Entry,
    by_seed: Sequence[Sequence[ScoreRow]],
    task: Task,
    trained: Sequence[Task],
    unit: Unit | None,
) -> ScoredUnits | None:
    """The task's test units; None where this model has no answer to it."""
    runs = []
    for rows in by_seed:
        by_source: dict[str, list[ScoredClip]] = defaultdict(list)
        for row in rows:
            if row.part == "test" and row.scored.task_id == task.id:
                by_source[row.source].append(row.scored)
        wanted = sources_of(task, trained) if entry.scope == "task" else tuple(by_source)
        models = [by_source[source] for source in wanted if source in by_source]
        if not models:
            return None
        runs.append(models)
    return scored_units(runs, unit)


def _row(
    entry: Entry,
    units: Mapping[str, Mapping[str, ScoredUnits]],
    left_out: Mapping[str, str],
    tasks: Sequence[Task],
    trained: Sequence[Task],
    averaged: Sequence[str],
    table: int | None,
    reference: str,
) -> ModelRow:
    own, best = units[entry.name], units.get(reference, {})
    cells = []
    for task in tasks:
        found, other = own.get(task.id), best.get(task.id)
        sources = sources_of(task, trained) if entry.scope == "task" else ()
        cells.append(
            Cell(
                task.id,
                None if found is None else mean_auroc(found),
                sources,
                _paper(task.id, entry, table),
                _lead(other, found) if entry.name != reference else None,
                note="" if found else _why(left_out, sources),
            )
        )
    corrected = holm([cell.lead.p_value if cell.lead else None for cell in cells])
    cells = [replace(cell, p_corrected=p) for cell, p in zip(cells, corrected, strict=True)]
    scores = {cell.task_id: cell.score for cell in cells}
    values = [score.value for task_id in averaged if (score := scores[task_id]) is not None]
    defined = [value for value in values if value is not None]
    lead = None
    whole = bool(averaged) and all(task_id in own and task_id in best for task_id in averaged)
    if entry.name != reference and whole:
        lead = mean_difference([(best[task_id], own[task_id]) for task_id in averaged])
    return ModelRow(
        entry,
        tuple(cells),
        _paper_mean(entry, tasks, table),
        fmean(defined) if defined and len(defined) == len(averaged) else None,
        mean_lead=lead,
    )


def _lead(first: ScoredUnits | None, second: ScoredUnits | None) -> Difference | None:
    return None if first is None or second is None else paired_difference(first, second)


def _why(left_out: Mapping[str, str], sources: Sequence[str]) -> str:
    """Why a model that was run has no score for a task."""
    reasons = [left_out[source] for source in sources if source in left_out]
    return "; ".join(dict.fromkeys(reasons)) or NO_ANSWER


def _paper(task_id: str, entry: Entry, table: int | None) -> float | None:
    return paper_auroc(task_id, entry.paper, table) if entry.paper else None


def _paper_mean(entry: Entry, tasks: Sequence[Task], table: int | None) -> PaperMean:
    columns = PAPER_COLUMNS.get(table or 0, ())
    if not columns or not {*columns} <= {task.id for task in tasks}:
        return PaperMean()
    printed = [_paper(task_id, entry, table) for task_id in columns]
    defined = [value for value in printed if value is not None]
    return PaperMean(
        _paper("avg_T1_T5" if table in (3, 5) else "avg", entry, table),
        fmean(defined) if len(defined) == len(printed) else None,
    )


def tabulate_parts(
    entries: Sequence[Entry],
    kept: Kept,
    left_out: Mapping[str, Mapping[str, str]],
    trained: Sequence[Task],
    targets: Sequence[Task],
    titles: tuple[str, str],
    *,
    reference: str,
    protocol: ProtocolName,
    simulated: bool,
    seeds: Sequence[int],
    notes: Mapping[str, Sequence[str]],
) -> tuple[ComparisonResult, ...]:
    """Two tables that are none of the paper's: learned tasks, and unseen ones if there are any.

    Args:
        titles: of the two.
        notes: per task, what the protocol did.
    """
    parts: tuple[tuple[Columns, Sequence[Task]], ...] = (("trained", trained), ("targets", targets))
    return tuple(
        tabulate(
            entries,
            kept,
            {},
            left_out,
            tasks,
            trained,
            title=title,
            columns=columns,
            table=None,
            reference=reference,
            protocol=protocol,
            simulated=simulated,
            seeds=seeds,
            notes=[f"{task.id}: {note}" for task in tasks for note in notes.get(task.id, ())],
        )
        for title, (columns, tasks) in zip(titles, parts, strict=True)
        if tasks
    )
