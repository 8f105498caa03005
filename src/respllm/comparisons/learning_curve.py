"""What more people would bring: RespLLM trained on ever more of them, tested on the same others."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console

from respllm.comparisons.entries import RESPLLM, Entry, entry
from respllm.comparisons.running import run_entry
from respllm.comparisons.study import Study, read_record
from respllm.comparisons.tables import Begun
from respllm.comparisons.tabulating import ComparisonResult, tabulate_parts

SHARES = (0.125, 0.25, 0.5)
"""Of the people of the largest task; the whole is RespLLM itself."""

TITLES = ("Learning curve on held-out people", "Learning curve on unseen tasks")


def learning_curve(
    study: Study, seeds: Sequence[int], begun: Begun, console: Console | None = None
) -> tuple[ComparisonResult, ...]:
    """Train on an eighth, a quarter, half and all of the training people; test on the same others.

    The people of a smaller size are among those of a larger one with the same seed.

    Returns:
        Held-out tasks, and unseen tasks if there are any; one row a size, smallest first.
    """
    data = study.data
    record = read_record(study.folder)
    largest = max(record.people.values())
    sizes = sorted({max(4, round(share * largest)) for share in SHARES})
    entries = [*(limited(size) for size in sizes), entry(RESPLLM)]
    for one in entries:
        for seed in seeds:
            if not study.finished(one, seed):
                begun(f"{one.title}, seed {seed}")
                run_entry(one, study, seed, console)
    return tabulate_parts(
        entries,
        {one.name: [study.scores(one, seed) for seed in seeds] for one in entries},
        {},
        data.trained,
        data.targets,
        TITLES,
        reference=RESPLLM,
        protocol=study.protocol,
        simulated=data.simulated,
        seeds=seeds,
        notes=record.notes,
    )


def limited(subjects: int) -> Entry:
    """RespLLM learned from about so many people of each task."""
    return Entry(
        f"{RESPLLM}-{subjects}-people",
        f"RespLLM, {subjects} people a task",
        "run",
        "joint",
        "learned from fewer people",
        limit_subjects=subjects,
    )
