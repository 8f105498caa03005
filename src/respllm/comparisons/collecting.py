"""What a study's folder holds already, as tables: nothing is trained and no data is read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from respllm.comparisons import learning_curve, tables
from respllm.comparisons.entries import ENTRIES, RESPLLM, Entry
from respllm.comparisons.study import SCORES, read_config, read_left_out, read_record
from respllm.comparisons.tabulating import ComparisonResult, tabulate_parts
from respllm.evaluation import read_scores
from respllm.tasks import get_task

_LIMITED = f"{RESPLLM}-*-people"


def collect(folder: Path) -> tuple[ComparisonResult, ...]:
    """The finished models of a study beside RespLLM: on held-out people, and on unseen tasks.

    Of the seeds that RespLLM has, those of the most complete other model count; models that lack
    one of them are left out, and named in the notes. () where nothing is finished beside RespLLM.

    Raises:
        ConfigError: no study is here, or it has heard no data yet.
    """
    others = [entry for name, entry in ENTRIES.items() if name != RESPLLM and _seeds(folder, name)]
    return _tables(folder, others, tables.TITLES)


def collect_curve(folder: Path) -> tuple[ComparisonResult, ...]:
    """The learning curve of a study, smallest first; () without one."""
    sizes = sorted(int(path.name.split("-")[1]) for path in folder.glob(_LIMITED))
    return _tables(folder, [learning_curve.limited(n) for n in sizes], learning_curve.TITLES)


def _tables(
    folder: Path, others: Sequence[Entry], titles: tuple[str, str]
) -> tuple[ComparisonResult, ...]:
    config, record = read_config(folder), read_record(folder)
    shared = {e.name: _seeds(folder, e.name) & _seeds(folder, RESPLLM) for e in others}
    seeds = max((sorted(own) for own in shared.values()), key=len, default=[])
    if not seeds:
        return ()
    whole = [entry for entry in others if {*seeds} <= shared[entry.name]]
    partial = [entry.title for entry in others if entry not in whole]
    trained = [get_task(name, record.task_folder) for name in config.tasks.learned]
    targets = [get_task(name, record.task_folder) for name in config.tasks.not_learned]
    notes = {task_id: list(found) for task_id, found in record.notes.items()}
    if partial:
        text = f"not all seeds are finished of {', '.join(partial)}"
        notes[trained[0].id] = [*notes.get(trained[0].id, ()), text]
    entries = [*whole, ENTRIES[RESPLLM]]
    return tabulate_parts(
        entries,
        {
            entry.name: [read_scores(_place(folder, entry.name, k) / SCORES) for k in seeds]
            for entry in entries
        },
        {entry.name: read_left_out(_place(folder, entry.name, seeds[0])) for entry in entries},
        trained,
        targets,
        titles,
        reference=RESPLLM,
        protocol=config.protocol,
        simulated=record.simulated,
        seeds=seeds,
        notes=notes,
    )


def _place(folder: Path, name: str, seed: int) -> Path:
    return folder / name / f"seed-{seed}"


def _seeds(folder: Path, name: str) -> set[int]:
    return {
        int(path.parent.name.removeprefix("seed-"))
        for path in (folder / name).glob(f"seed-*/{SCORES}")
    }
