"""What more people would bring: RespLLM trained on ever more of them, tested on the same others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console

from respllm.comparisons.entries import RESPLLM, Entry, entry
from respllm.comparisons.running import run_entry
from respllm.comparisons.study import Study
from respllm.comparisons.tables import Begun
from respllm.comparisons.tabulating import Columns, ComparisonResult, tabulate
from respllm.tasks import Task

SHARES = (0.125, 0.25, 0.5)
"""Of the people of the largest task; the whole is RespLLM itself."""

TITLES = ("Learning curve on held-out people", "Learning curve on unseen tasks")


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One model of the curve.

    Attributes:
        subjects: it learned from at most so many people of each task.
        people: that all its training parts hold together.
        mean: AUROC over the tasks; None where one is undefined.
    """

    subjects: int
    people: int
    mean: float | None


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """Held-out tasks and, where there are any, unseen tasks, over training people.

    Attributes:
        results: one row a size, smallest first, with intervals and the whole model's lead.
        points: one per row of each result.
    """

    results: tuple[ComparisonResult, ...]
    points: tuple[tuple[CurvePoint, ...], ...]


def learning_curve(
    study: Study, seeds: Sequence[int], begun: Begun, console: Console | None = None
) -> LearningCurve:
    """Train on an eighth, a quarter, half and all of the training people; test on the same others.

    The people of a smaller size are among those of a larger one with the same seed.
    """
    data = study.data
    people = {
        task.id: {e.clip.record.subject_id for e in data.train.examples if e.task_id == task.id}
        for task in data.trained
    }
    largest = max(map(len, people.values()))
    sizes = sorted({max(4, round(share * largest)) for share in SHARES})
    entries = [limited(size) for size in sizes] + [entry(RESPLLM)]
    for one in entries:
        for seed in seeds:
            if not study.finished(one, seed):
                begun(f"{one.title}, seed {seed}")
                run_entry(one, study, seed, console)
    kept = {one.name: [study.scores(one, seed) for seed in seeds] for one in entries}
    parts: tuple[tuple[str, Columns, Sequence[Task]], ...] = (
        (TITLES[0], "trained", data.trained),
        (TITLES[1], "targets", data.targets),
    )
    results = tuple(
        tabulate(
            entries,
            kept,
            {},
            tasks,
            data.trained,
            title=title,
            columns=columns,
            table=None,
            reference=RESPLLM,
            protocol=study.protocol,
            simulated=data.simulated,
            seeds=seeds,
        )
        for title, columns, tasks in parts
        if tasks
    )
    count = {
        size: sum(min(size, len(own)) for own in people.values()) for size in (*sizes, largest)
    }
    return LearningCurve(
        results,
        tuple(
            tuple(
                CurvePoint(size, count[size], row.mean)
                for size, row in zip((*sizes, largest), result.rows, strict=True)
            )
            for result in results
        ),
    )


def limited(subjects: int) -> Entry:
    """RespLLM learned from at most so many people of each task."""
    return Entry(
        f"respllm-{subjects}-people",
        f"RespLLM, {subjects} people a task",
        "run",
        "joint",
        "learned from fewer people",
        limit_subjects=subjects,
    )
