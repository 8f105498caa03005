"""The audits that need no model: what the data itself would give away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from respllm.audits.leaks import leaks
from respllm.audits.results import Finding, Leak, Shortcut
from respllm.audits.shortcuts import ModelScores, measure, shortcuts
from respllm.audits.wording import problems_first
from respllm.tasks import Selection, Task, select_together
from respllm.tasks.selection import table_base
from respllm.types import SPLITS, ProtocolName


@dataclass(frozen=True, slots=True)
class DataAudit:
    """What was found in the data.

    Attributes:
        shortcuts: every property tried on every task, found or not.
        leaks: what is in two parts.
        findings: plain sentences, problems first.
    """

    shortcuts: tuple[Shortcut, ...]
    leaks: tuple[Leak, ...]
    findings: tuple[Finding, ...]


def audit_data(
    tasks: Sequence[Task],
    trained: Sequence[Task],
    data_root: Path,
    *,
    protocol: ProtocolName,
    seed: int = 0,
) -> DataAudit:
    """Look for shortcuts and leaks in the data of some tasks.

    Args:
        tasks: that are tested.
        trained: that a model learns from; none looks for shortcuts alone.
        data_root: holds one folder per dataset.
        protocol: data choices.
        seed: of folds and permutations.

    Raises:
        DataError: a dataset is not there or not as published.
    """
    selections = selected(tasks, trained, data_root, protocol)
    return audit_selections(tasks, trained, selections, data_root, seed=seed)


def selected(
    tasks: Sequence[Task], trained: Sequence[Task], data_root: Path, protocol: ProtocolName
) -> dict[str, Selection]:
    """The parts of every task as one model has them, by task id."""
    learned = {task.id for task in trained}
    others = {task.id: task for task in tasks if task.id not in learned}
    return select_together(trained, list(others.values()), data_root, protocol)


def audit_selections(
    tasks: Sequence[Task],
    trained: Sequence[Task],
    selections: dict[str, Selection],
    data_root: Path,
    *,
    seed: int,
    model_scores: ModelScores | None = None,
) -> DataAudit:
    """`audit_data` on what `selected` gave, with a model's scores where there is a model."""
    measured = measure(
        example
        for selection in selections.values()
        for split in SPLITS
        for example in selection.parts[split]
    )
    found, about_shortcuts = shortcuts(
        list(selections.values()), measured, seed=seed, model_scores=model_scores
    )
    by_id = {task.id: task for task in (*trained, *tasks)}

    def person(task_id: str, subject: str) -> tuple[str, str]:
        """In an own table people are called after the task: its file says who is the same."""
        task = by_id[task_id]
        if task.table is None:
            return "", subject
        path = (table_base(task, task.table, data_root) / task.table.table).resolve()
        return str(path), subject.removeprefix(f"{task_id}/")

    rows, about_leaks = leaks(
        [selections[task.id] for task in trained], [selections[task.id] for task in tasks], person
    )
    return DataAudit(tuple(found), tuple(rows), problems_first([*about_shortcuts, *about_leaks]))
