"""Who answers a task: the model of the task itself, or models of tasks that ask the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from respllm.tasks import Task

PAPER_TRANSFERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "T1": ("S2", "S4"),
        "T2": ("S2", "S4"),
        "T3": ("S1", "S3"),
        "T4": ("S1", "S3"),
        "T5": ("S7",),
        "T6": (),
    }
)
"""Table 3: Sx->T. Coughs answer for coughs, breath and exhalation for breath; T6's condition is in
no source task."""


def sources_of(task: Task, trained: Sequence[Task]) -> tuple[str, ...]:
    """The trained tasks whose task-specific models answer a task.

    A trained task answers for itself. A target of the paper is answered as in Table 3, any other
    by all trained tasks that ask the same question. () where nobody can answer.

    Args:
        task: what is asked.
        trained: the tasks that models were trained on.
    """
    ids = [other.id for other in trained]
    if task.id in ids:
        return (task.id,)
    if task.id in PAPER_TRANSFERS:
        return tuple(name for name in PAPER_TRANSFERS[task.id] if name in ids)
    return tuple(other.id for other in trained if other.question == task.question)
