"""The results table with its trivial predictors, and the forest plot of AUROCs."""

from __future__ import annotations

from respllm.evaluation.table import ResultRow
from respllm.reports.document import Block, Missing, Section, Table
from respllm.reports.formatting import DASH, between, number
from respllm.reports.inputs import ReportInputs
from respllm.reports.intervals import IntervalRow, interval_plot


def results_section(inputs: ReportInputs) -> Section:
    """One row a task, what needs no model beside it, and all intervals in one picture."""
    if not inputs.rows:
        return Section("results", "Results", (Missing("No task was scored."),))
    return Section("results", "Results", tuple(_blocks(inputs)))


def _blocks(inputs: ReportInputs) -> list[Block]:
    names = list(dict.fromkeys(name for row in inputs.rows for name in row.trivial))
    header = (
        *("Task", "Asked", "Role", "Subjects (1/0)", "AUROC", "95% interval"),
        *("Best reachable", "Paper"),
        *(f"{name.capitalize()} alone" for name in names),
        *("Skipped", "Note"),
    )
    notes = [
        "Alone: AUROC of one value without listening; older, male, more symptoms and a higher rate "
        "speak for 1, and below 0.5 the opposite holds.",
        "In the picture, hollow: a task the model was never trained on.",
        f"{DASH}: undefined, not known, or not applicable; the note says why.",
    ]
    table = Table(
        f"AUROC on test people, protocol {inputs.protocol}",
        header,
        tuple(_cells(row, names) for row in inputs.rows),
        tuple(notes),
    )
    plot = interval_plot(
        "forest",
        "AUROC with 95% interval, by task",
        [_line(row) for row in inputs.rows],
        axis="AUROC",
        reference=0.5,
        reference_name="chance",
        limits=(0, 1.02),
    )
    return [table, plot]


def _cells(row: ResultRow, names: list[str]) -> tuple[str, ...]:
    score = row.score
    return (
        row.task_id,
        f"{row.condition}, {row.sound}, {row.dataset}",
        row.role,
        f"{score.n_subjects} ({score.n_positive}/{score.n_negative})",
        number(score.value),
        between(score.low, score.high),
        number(row.best_reachable),
        number(row.paper),
        *(number(row.trivial[name].value) if name in row.trivial else DASH for name in names),
        str(row.skipped),
        "; ".join(filter(None, [score.note, row.note])),
    )


def _line(row: ResultRow) -> IntervalRow:
    score = row.score
    others = [("best reachable", row.best_reachable)] if row.best_reachable is not None else []
    if "age" in row.trivial and row.trivial["age"].value is not None:
        others.append(("age alone", row.trivial["age"].value))
    return IntervalRow(
        f"{row.task_id} {row.condition}",
        score.value,
        score.low,
        score.high,
        hollow=row.role == "zero-shot",
        others=tuple((name, value) for name, value in others if value is not None),
    )
