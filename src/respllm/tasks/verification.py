"""Look at a data root: what is there, what is not, and what each task makes of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

from respllm.audio import check_usable, load_audio
from respllm.datasets import DATASETS, load_contents
from respllm.errors import AudioError, DataError, RespllmError
from respllm.evaluation import paper_counts
from respllm.tasks.paper import index_counts
from respllm.tasks.registry import builtin_tasks
from respllm.tasks.task import Task
from respllm.types import PROTOCOLS, SPLITS, ProtocolName, Record, Split


@dataclass(frozen=True, slots=True)
class DatasetReport:
    """What one dataset's folder holds.

    Attributes:
        problem: why it could not be read; then the rest is empty.
        found: recordings whose file is there.
        missing: recordings that the tables list and the folder lacks.
        unusable: record id -> why it cannot be heard (undecodable, empty, silent, too short).
        subjects: people, or groups of identical recordings where the publisher names none.
        notes: what the reader noticed.
    """

    name: str
    problem: str = ""
    found: int = 0
    missing: tuple[str, ...] = ()
    unusable: Mapping[str, str] = field(default_factory=dict)
    subjects: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PartCounts:
    """One part of one task: recordings by class, people, and clips."""

    negative: int
    positive: int
    subjects: int
    clips: int


@dataclass(frozen=True, slots=True)
class TaskReport:
    """What one protocol makes of one task.

    Attributes:
        parts: counts by split.
        index: negative and positive recordings by split in the published index; None without.
        table1_train, table1_test: the paper's Table 1 ("train" includes validation, and S7's are
            recordings before windowing).
        excluded: recordings left out by the protocol.
        notes: what the protocol did.
        problem: why there are no counts.
    """

    task_id: str
    protocol: ProtocolName
    parts: Mapping[Split, PartCounts] = field(default_factory=dict)
    index: Mapping[Split, tuple[int, int]] | None = None
    table1_train: int | None = None
    table1_test: int | None = None
    excluded: int = 0
    notes: tuple[str, ...] = ()
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Verification:
    """Everything `respllm data verify` tells."""

    datasets: tuple[DatasetReport, ...]
    tasks: tuple[TaskReport, ...]


def verify(data_root: Path, progress: Callable[[int, int], None] | None = None) -> Verification:
    """Read every dataset under `data_root`, decode every recording, count every task.

    A dataset that is absent or damaged is reported, and the others are still read.

    Args:
        data_root: holds one folder per dataset.
        progress: called with (recordings decoded, recordings in all).

    Raises:
        DataError: `data_root` holds none of the datasets.
    """
    present = [name for name in DATASETS if (data_root / name).is_dir()]
    if not present:
        raise DataError(
            "No dataset is here",
            where=str(data_root),
            expected=f"folders named {', '.join(DATASETS)}",
            next_step="name the folder that holds them, or run `respllm simulate DIR`",
        )
    contents, problems = {}, {}
    for name in present:
        try:
            contents[name] = load_contents(name, data_root)
        except RespllmError as error:
            problems[name] = str(error)
    records = [record for found in contents.values() for record in found.records]
    unusable = _unusable(records, progress)
    reports = []
    for name in DATASETS:
        if name in contents:
            found = contents[name]
            ids = {record.record_id for record in found.records}
            reports.append(
                DatasetReport(
                    name,
                    found=len(found.records),
                    missing=found.missing,
                    unusable={i: reason for i, reason in unusable.items() if i in ids},
                    subjects=len({record.subject_id for record in found.records}),
                    notes=found.notes,
                )
            )
        else:
            reports.append(DatasetReport(name, problem=problems.get(name, "no folder")))
    tasks = [
        _task_report(task, data_root, protocol, task.dataset_name in contents)
        for task in builtin_tasks().values()
        for protocol in PROTOCOLS
    ]
    return Verification(tuple(reports), tuple(tasks))


def _unusable(
    records: Iterable[Record], progress: Callable[[int, int], None] | None
) -> dict[str, str]:
    records = list(records)
    reasons = {}
    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        for done, (record, reason) in enumerate(
            zip(records, pool.map(_why_unusable, records), strict=True), start=1
        ):
            if reason:
                reasons[record.record_id] = reason
            if progress is not None:
                progress(done, len(records))
    return reasons


def _why_unusable(record: Record) -> str:
    try:
        check_usable(load_audio(record.audio_path))
    except AudioError as error:
        return error.what
    return ""


def _task_report(task: Task, data_root: Path, protocol: ProtocolName, present: bool) -> TaskReport:
    printed = paper_counts(task.id)
    empty = TaskReport(
        task.id,
        protocol,
        index=index_counts(task.id) if protocol == "paper" else None,
        table1_train=printed.train if printed else None,
        table1_test=printed.test if printed else None,
    )
    if not present:
        return replace(empty, problem="no readable data")
    try:
        selection = task.select(data_root, protocol)
    except RespllmError as error:
        return replace(empty, problem=error.what)
    parts = {}
    for split in SPLITS:
        labels = {(e.clip.record.record_id, e.label) for e in selection.parts[split]}
        parts[split] = PartCounts(
            negative=sum(label == 0 for _, label in labels),
            positive=sum(label == 1 for _, label in labels),
            subjects=len(selection.subjects(split)),
            clips=len(selection.parts[split]),
        )
    return replace(empty, parts=parts, excluded=len(selection.excluded), notes=selection.notes)
