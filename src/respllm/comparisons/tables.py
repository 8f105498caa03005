"""The paper's Tables 2 to 7, and the one with everything."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from rich.console import Console

from respllm.comparisons.entries import (
    BASELINE_NAMES,
    ENTRIES,
    RESPLLM,
    Entry,
    entry,
    pointless,
)
from respllm.comparisons.running import run_entry
from respllm.comparisons.study import Study
from respllm.comparisons.tabulating import Columns, ComparisonResult, tabulate
from respllm.errors import ConfigError, RespllmError, unknown_name
from respllm.models.text_embedding import text_note

Begun = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class TableSpec:
    """What one table of the paper holds.

    Attributes:
        title: as ours.
        columns: tasks that were learned, or tasks that were only tested.
        rows: names of entries; the last is what the others are compared with.
    """

    title: str
    columns: Columns
    rows: tuple[str, ...]


_BASELINES = ("audio", "dms-hard", "dms-soft", "fusion-hard", "fusion-soft", RESPLLM)
_FUSIONS = (
    *("fusion-concat", "fusion-add", "fusion-crossattn"),
    *("fusion-concat-blind", "fusion-add-blind", "fusion-crossattn-blind"),
    RESPLLM,
)
SOFT = ("dms-soft", "fusion-soft", "fusion-concat", "fusion-add", "fusion-crossattn")
"""Beginnings of the names of baselines that read a text embedding."""

_LLMS = tuple(name for name in ENTRIES if name.startswith("llm-"))

TABLES: Mapping[int, TableSpec] = MappingProxyType(
    {
        2: TableSpec("Baselines on held-out people", "trained", _BASELINES),
        3: TableSpec("Baselines on unseen datasets", "targets", _BASELINES),
        4: TableSpec("Ways of fusion on held-out people", "trained", _FUSIONS),
        5: TableSpec("Ways of fusion on unseen datasets", "targets", _FUSIONS),
        6: TableSpec("Language models on held-out people", "trained", _LLMS),
        7: TableSpec("Language models on unseen datasets", "targets", _LLMS),
    }
)


TITLES = ("All models on held-out people", "All models on unseen tasks")


def paper_table(
    number: int, study: Study, seeds: Sequence[int], begun: Begun, console: Console | None = None
) -> ComparisonResult:
    """One of the paper's tables: run what is missing, reuse what is done.

    Args:
        number: 2 to 7.
        seeds: every model is trained with each.
        begun: told what is being trained.
        console: shows the training's progress bar.

    Raises:
        ConfigError: another number.
    """
    if number not in TABLES:
        raise ConfigError(unknown_name("table", number, map(str, TABLES)))
    spec = TABLES[number]
    entries = [entry(name) for name in spec.rows]
    return _compare(
        f"Table {number}. {spec.title}", number, entries, spec.columns, study, seeds, begun, console
    )


def everything(
    study: Study,
    seeds: Sequence[int],
    begun: Begun,
    console: Console | None = None,
    names: Iterable[str] | None = None,
) -> tuple[ComparisonResult, ...]:
    """RespLLM beside every baseline, ablation and control: on learned and on unseen tasks.

    Args:
        names: of the entries beside RespLLM; None takes all that say something about this run.
    """
    if names is None:
        about = (study.config, study.data.simulated)
        names = [name for name in BASELINE_NAMES if not pointless(name, *about)]
    others = [name for name in dict.fromkeys(names) if name != RESPLLM]
    entries = [entry(name) for name in (*others, RESPLLM)]
    parts: tuple[tuple[str, Columns], ...] = ((TITLES[0], "trained"), (TITLES[1], "targets"))
    return tuple(
        _compare(title, None, entries, columns, study, seeds, begun, console)
        for title, columns in parts
        if columns == "trained" or study.data.targets
    )


def _compare(
    title: str,
    table: int | None,
    entries: Sequence[Entry],
    columns: Columns,
    study: Study,
    seeds: Sequence[int],
    begun: Begun,
    console: Console | None,
) -> ComparisonResult:
    data = study.data  # data that changed stops everything, a model that cannot be had does not
    not_run = {
        one.name: reason
        for one in entries
        if (reason := pointless(one.name, study.config, data.simulated))
    }
    for one in entries:
        for seed in seeds:
            if one.name in not_run or study.finished(one, seed):
                continue
            begun(f"{one.title}, seed {seed}")
            try:
                run_entry(one, study, seed, console)
            except RespllmError as error:
                not_run[one.name] = str(error)
    run = [one for one in entries if one.name not in not_run]
    tasks = data.trained if columns == "trained" else data.targets
    notes = [f"{task.id}: {note}" for task in tasks for note in data.selections[task.id].notes]
    soft = any(one.name.startswith(SOFT) for one in run)
    if soft and (note := text_note(study.config.baselines.text, study.config.model)):
        notes.append(f"Soft baselines: {note}")
    return tabulate(
        entries,
        {one.name: [study.scores(one, seed) for seed in seeds] for one in run},
        not_run,
        {one.name: study.left_out(one, seeds[0]) for one in run},
        tasks,
        data.trained,
        title=title,
        columns=columns,
        table=table,
        reference=entries[-1].name,
        protocol=study.protocol,
        simulated=data.simulated,
        seeds=seeds,
        notes=notes,
    )
