"""Several tasks learned by one model: nobody is learned from in one task and tested in another."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from respllm.errors import DataError
from respllm.tasks.selection import Selection, person_naming
from respllm.tasks.task import Task
from respllm.types import ProtocolName, Split


def select_together(
    train: Sequence[Task], test: Sequence[Task], data_root: Path, protocol: ProtocolName
) -> dict[str, Selection]:
    """Select every task's examples for one model.

    Under `clean`, a person in the test part of any task is in no training or validation part, and
    a person in any validation part in no training part; who is taken out where is in the notes.
    Under `paper` overlaps stay, as published, and are noted.

    Raises:
        DataError: two tasks of one id, or a task without an example for training.
    """
    tasks = [*train, *test]
    ids = [task.id for task in tasks]
    if len(set(ids)) < len(ids):
        raise DataError(f"A task is named twice: {', '.join(ids)}", next_step="name it once")
    selections = {task.id: task.select(data_root, protocol) for task in tasks}
    learned = [task.id for task in train]
    person_of = {task.id: person_naming(task, data_root) for task in tasks}
    steps: tuple[tuple[Split, Split], ...] = (
        ("test", "validation"),
        ("test", "train"),
        ("validation", "train"),
    )
    for kept, other in steps:
        people = {
            person_of[task_id](subject)
            for task_id, selection in selections.items()
            if kept == "test" or task_id in learned
            for subject in selection.subjects(kept)
        }
        for task_id in learned:
            selection = selections[task_id]
            both = {s for s in selection.subjects(other) if person_of[task_id](s) in people}
            selections[task_id] = _without(selection, other, both, kept, protocol)
    for task_id in learned:
        _check_learnable(selections[task_id])
    return selections


def _without(
    selection: Selection, split: Split, both: set[str], kept: Split, protocol: ProtocolName
) -> Selection:
    if not both:
        return selection
    if protocol == "paper":
        note = f"{len(both)} people are in a {kept} and in the {split} part, as published"
        return replace(selection, notes=(*selection.notes, note))
    part = tuple(e for e in selection.parts[split] if e.clip.record.subject_id not in both)
    note = f"{len(both)} people taken out of {split}: another task has them in its {kept} part"
    parts: Mapping[Split, tuple] = {**selection.parts, split: part}
    return replace(selection, parts=parts, notes=(*selection.notes, note))


def _check_learnable(selection: Selection) -> None:
    labels = {example.label for example in selection.parts["train"]}
    if labels != {0, 1}:
        found = "no examples" if not labels else f"only answer {labels.pop()}"
        raise DataError(
            f"The training part has {found}",
            where=f"task {selection.task_id}",
            expected="examples of both answers",
            next_step="check `respllm data verify`, or leave the task out",
        )
