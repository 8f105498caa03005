from __future__ import annotations

import pytest

from respllm.comparisons.transfers import sources_of
from respllm.tasks import builtin_tasks
from respllm.tasks.task import Task

TASKS = builtin_tasks()
TRAINED = [task for task in TASKS.values() if task.role == "source"]


@pytest.mark.parametrize(
    ("task_id", "sources"),
    [
        ("S5", ("S5",)),
        ("T1", ("S2", "S4")),
        ("T2", ("S2", "S4")),
        ("T3", ("S1", "S3")),
        ("T4", ("S1", "S3")),
        ("T5", ("S7",)),
        ("T6", ()),
    ],
)
def test_the_papers_transfers(task_id: str, sources: tuple[str, ...]) -> None:
    assert sources_of(TASKS[task_id], TRAINED) == sources


def test_only_what_was_trained_can_answer() -> None:
    assert sources_of(TASKS["T1"], [TASKS["S4"], TASKS["S7"]]) == ("S4",)
    assert sources_of(TASKS["T5"], [TASKS["S4"]]) == ()


def test_an_own_target_is_answered_by_whoever_asks_the_same() -> None:
    own = TASKS["T5"].model_dump() | {"id": "mine"}
    assert sources_of(Task(**own), TRAINED) == ("S7",)
    assert sources_of(Task(**(own | {"question": "whether it is flu"})), TRAINED) == ()
