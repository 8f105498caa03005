"""From a task to its examples: read the records, choose by protocol, cut clips, write the texts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from respllm.audio import AudioIndex
from respllm.datasets import load_contents
from respllm.datasets.table import TableSource, read_table
from respllm.errors import DataError, unknown_name
from respllm.prompts import dms_text, task_prompt
from respllm.tasks import clean, paper
from respllm.tasks.candidate import Candidate, Exclusion, Parts
from respllm.tasks.clips import CLIP_LABELS
from respllm.tasks.removed import Removed
from respllm.tasks.task import Task
from respllm.types import SPLITS, Dms, Example, ProtocolName, Split

__all__ = ["Exclusion", "Selection", "select"]


@dataclass(frozen=True, slots=True)
class Selection:
    """What a protocol makes of a task's records.

    Attributes:
        task_id, protocol: what was asked for.
        parts: examples by split, in a fixed order.
        excluded: records left out, each with its reason.
        notes: what a reader of a result must know about the data.
        subjects_known: whether the publisher tells who is who.
    """

    task_id: str
    protocol: ProtocolName
    parts: Mapping[Split, tuple[Example, ...]]
    excluded: tuple[Exclusion, ...]
    notes: tuple[str, ...]
    subjects_known: bool

    def subjects(self, split: Split) -> frozenset[str]:
        """The people in one part."""
        return frozenset(example.clip.record.subject_id for example in self.parts[split])


def select(task: Task, data_root: Path, protocol: ProtocolName) -> Selection:
    """Apply a protocol to a task's records.

    `paper` repeats the published data choices, their faults included (facts in
    `respllm.tasks.paper`); `clean` keeps every person in one part, leaves out byte-identical
    recordings with conflicting labels and reads the whole recording (`respllm.tasks.clean`).
    Under both, people who were removed (`respllm.tasks.removed`) count as if they had never been
    there.

    Raises:
        DataError: the dataset is not there or not as published, or nobody can tell who was removed.
    """
    removed = Removed.read(data_root)
    candidates, left_out, notes = _candidates(task, data_root)
    index = AudioIndex()
    candidates, gone, removal_notes = removed.leave_out(
        candidates, person_naming(task, data_root), index
    )
    rules = paper if protocol == "paper" else clean
    parts, excluded, more_notes = rules.choose(task, candidates, index)
    prompt = task_prompt(task)
    return Selection(
        task_id=task.id,
        protocol=protocol,
        parts={split: tuple(_examples(task, prompt, parts, split, protocol)) for split in SPLITS},
        excluded=(*left_out, *gone, *excluded),
        notes=(*notes, *removal_notes, *more_notes),
        subjects_known=all(candidate.record.subject_known for candidate in candidates),
    )


def _candidates(
    task: Task, data_root: Path
) -> tuple[list[Candidate], list[Exclusion], tuple[str, ...]]:
    if task.table is not None:
        return _table_rows(task, task.table, data_root)
    source = task.dataset
    assert source is not None
    contents = load_contents(source.name, data_root)
    records = [r for r in contents.records if r.sound_type == source.sound_type]
    where = f"task {task.id}, dataset {source.name}"
    if not records:
        sounds = sorted({record.sound_type for record in contents.records})
        raise DataError(
            unknown_name("sound_type", source.sound_type, sounds),
            where=where,
            next_step="name a sound that the dataset's folder holds",
        )
    labels = [*sorted({label for r in records for label in r.labels}), *CLIP_LABELS]
    if source.label not in labels:
        raise DataError(
            unknown_name("label", source.label, labels),
            where=where,
            next_step="name a label that the recordings in the dataset's folder have",
        )
    candidates = [Candidate(record, record.labels.get(source.label)) for record in records]
    return candidates, [], contents.notes


def table_base(task: Task, table: TableSource, data_root: Path) -> Path:
    """The folder an own table's path starts in: its task file's, else the data root."""
    return task.folder if (task.folder / table.table).exists() else data_root


def person_naming(task: Task, data_root: Path) -> Callable[[str], str]:
    """Subject id -> the person, who is the same one in every task that reads the same own table."""
    if task.table is None:
        return lambda subject: subject
    path = (table_base(task, task.table, data_root) / task.table.table).resolve()
    table = f"{path.stem}-{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    return lambda subject: f"{table}/{subject.removeprefix(f'{task.id}/')}"


def _table_rows(
    task: Task, table: TableSource, data_root: Path
) -> tuple[list[Candidate], list[Exclusion], tuple[str, ...]]:
    base = table_base(task, table, data_root)
    found = read_table(table, dataset=task.id, sound_type=task.sound, label="label", base=base)
    candidates = [Candidate(row.record, row.label, row.start, row.stop) for row in found.rows]
    left_out = [Exclusion(name, "the audio file is missing") for name in found.missing]
    left_out += [
        Exclusion(name, "byte-identical audio under contradictory labels")
        for name in found.conflicting
    ]
    left_out += [Exclusion(name, "the same audio as another row") for name in found.repeated]
    return candidates, left_out, found.notes


def _examples(
    task: Task, prompt: str, parts: Parts, split: Split, protocol: ProtocolName
) -> Iterable[Example]:
    for clip, label in parts[split]:
        dms = shown_dms(clip.record.dms, clip.record.dataset, protocol)
        yield Example(task.id, clip, prompt, dms_text(dms), label)


def shown_dms(dms: Dms, dataset: str, protocol: ProtocolName) -> Dms:
    """What the protocol shows of a person's DMS.

    The published code leaves out KAUH's age and reads Coswara's empty cells as "stated none";
    `paper` repeats both, `clean` shows what was stated.
    """
    if protocol == "clean":
        return dms
    if dataset == "kauh":
        return replace(dms, age=None)
    if dataset == "coswara":
        return replace(dms, medical_history=dms.medical_history or (), symptoms=dms.symptoms or ())
    return dms
