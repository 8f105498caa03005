"""What a study's folder holds already, as tables: nothing is trained and no data is read."""

from __future__ import annotations

from pathlib import Path

from respllm.comparisons import learning_curve, tables
from respllm.comparisons.entries import ENTRIES, RESPLLM, Entry
from respllm.comparisons.study import SCORES, read_config, read_record
from respllm.comparisons.tabulating import Columns, ComparisonResult, tabulate
from respllm.evaluation import read_scores
from respllm.tasks import Task, get_task

_LIMITED = f"{RESPLLM}-*-people"


def collect(folder: Path) -> tuple[ComparisonResult, ...]:
    """All finished models of a study beside RespLLM: on held-out people, and on unseen tasks.

    Only seeds that every finished model has are counted. () without two models.

    Raises:
        ConfigError: no study is here, or none of its models is finished.
    """
    found = [entry for name, entry in ENTRIES.items() if _seeds(folder, name)]
    found.sort(key=lambda entry: entry.name == RESPLLM)  # the reference comes last
    return _tables(folder, found, tables.TITLES)


def collect_curve(folder: Path) -> tuple[ComparisonResult, ...]:
    """The learning curve of a study, smallest first; () without one."""
    sizes = sorted(
        int(path.name.split("-")[1]) for path in folder.glob(_LIMITED) if _seeds(folder, path.name)
    )
    entries = [*(learning_curve.limited(size) for size in sizes), ENTRIES[RESPLLM]]
    return _tables(folder, entries, learning_curve.TITLES) if sizes else ()


def _tables(
    folder: Path, entries: list[Entry], titles: tuple[str, str]
) -> tuple[ComparisonResult, ...]:
    config, record = read_config(folder), read_record(folder)
    if len(entries) < 2 or not _seeds(folder, RESPLLM):
        return ()
    seeds = sorted(set.intersection(*(_seeds(folder, entry.name) for entry in entries)))
    if not seeds:
        return ()
    kept = {
        entry.name: [read_scores(folder / entry.name / f"seed-{k}" / SCORES) for k in seeds]
        for entry in entries
    }
    trained = [get_task(name, record.task_folder) for name in config.tasks.learned]
    targets = [get_task(name, record.task_folder) for name in config.tasks.not_learned]
    parts: tuple[tuple[str, Columns, list[Task]], ...] = (
        (titles[0], "trained", trained),
        (titles[1], "targets", targets),
    )
    return tuple(
        tabulate(
            entries,
            kept,
            {},
            tasks,
            trained,
            title=title,
            columns=columns,
            table=None,
            reference=RESPLLM,
            protocol=config.protocol,
            simulated=record.simulated,
            seeds=seeds,
            notes=[f"{task.id}: {note}" for task in tasks for note in record.notes[task.id]],
        )
        for title, columns, tasks in parts
        if tasks
    )


def _seeds(folder: Path, name: str) -> set[int]:
    return {
        int(path.parent.name.removeprefix("seed-"))
        for path in (folder / name).glob(f"seed-*/{SCORES}")
    }
