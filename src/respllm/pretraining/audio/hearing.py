"""Who may be heard: the recordings of a pretraining, without whoever is never to be heard."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from respllm.audio import AudioIndex
from respllm.datasets import load_contents
from respllm.datasets.on_disk import AUDIO_SUFFIXES
from respllm.datasets.table_rows import TableReader
from respllm.errors import DataError, unknown_name
from respllm.pretraining.audio.settings import AudioPretraining, Source
from respllm.tasks.candidate import Candidate
from respllm.tasks.removed import Removed
from respllm.tasks.selection import person_naming
from respllm.tasks.task import Task
from respllm.types import Dms, Record


@dataclass(frozen=True, slots=True)
class Chosen:
    """Recordings that may be heard, and what was left out.

    Attributes:
        records: of each source's name its recordings, with no two of the same bytes.
        contents: SHA-256 of all their bytes.
        notes: what was left out, with counts.
    """

    records: dict[str, tuple[Record, ...]]
    contents: frozenset[str]
    notes: tuple[str, ...]


def choose(settings: AudioPretraining, data_root: Path, folder: Path) -> Chosen:
    """The recordings that `hear` names without those that `never` names.

    A person of `never` is left out under the dataset's name for them, and a recording also by its
    bytes, whatever it is called: official splits by recording put people into two parts, and
    public copies repeat recordings. People who were removed (`respllm forget`) are left out.

    Args:
        settings: names the sources; those that are simulated are not looked at here.
        data_root: holds one folder per dataset.
        folder: of the run file.

    Raises:
        DataError: a source is not there or not as published, or nobody is left.
    """
    index = AudioIndex()
    removed = Removed.read(data_root)
    never: list[Record] = []
    contents: set[str] = set()
    for source in settings.never:
        own = _records(source, data_root, folder)
        own_contents = _contents(own, index).values()
        if not own_contents:
            raise DataError(
                f"No recording of {source.name}, which is never to be heard, is here",
                where=f"run {settings.name}, `never`",
                next_step="check its paths: copies of what is not here cannot be known",
            )
        never += own
        contents.update(own_contents)
    people = {record.subject_id for record in never if record.subject_known}
    forbidden = frozenset(contents)
    heard: set[str] = set()
    notes: list[str] = []
    found: dict[str, tuple[Record, ...]] = {}
    for source in settings.hear:
        if source.simulated is not None:
            continue
        records = _records(source, data_root, folder)
        candidates, _, gone = removed.leave_out(
            [Candidate(record, None) for record in records],
            _naming(source, data_root, folder),
            index,
        )
        notes += gone
        allowed = [c.record for c in candidates if c.record.subject_id not in people]
        hashes = _contents(allowed, index)
        kept: dict[str, Record] = {}
        for record in allowed:
            content = hashes.get(record.audio_path)
            if content is not None and content not in forbidden | heard:
                kept.setdefault(content, _owned(record, content))
        if len(records) > len(kept):
            notes.append(
                f"{source.name}: {len(kept)} of {len(records)} recordings may be heard; the others "
                "are of people or sounds that are never heard, copies, or unreadable"
            )
        heard |= kept.keys()  # a later source does not repeat them
        found[source.name] = (*found.get(source.name, ()), *kept.values())
    if not any(found.values()) and all(source.simulated is None for source in settings.hear):
        raise DataError(
            "Nothing is left to be heard",
            where=f"run {settings.name}",
            expected="recordings of people that `never` does not name",
            next_step="check `hear` and `never`, and the data root",
        )
    return Chosen(found, frozenset(heard), tuple(notes))


def _owned(record: Record, content: str) -> Record:
    """Where nobody says who was recorded, the bytes are the person."""
    if record.subject_known:
        return record
    return replace(record, subject_id=f"{record.dataset}/sha256:{content[:16]}")


def _naming(source: Source, data_root: Path, folder: Path) -> Callable[[str], str]:
    """Subject id -> the name that `respllm forget` knows the person by."""
    if source.table is None:
        return str
    words = dict.fromkeys(
        ("dataset_description", "question", "sound", "word_for_1", "word_for_0"), "unused"
    )
    task = Task.model_validate({"id": "unused", "table": source.table, **words}).located(folder)
    named = person_naming(task, data_root)
    return lambda subject: named(f"unused/{subject.removeprefix(f'{source.name}/')}")


def _records(source: Source, data_root: Path, folder: Path) -> list[Record]:
    if source.dataset is not None:
        return _of_dataset(source, data_root)
    if source.table is not None:
        base = folder if (folder / source.table.table).exists() else data_root
        # No answer is read: what is learned here may know none.
        table = source.table.model_copy(update={"label_column": None})
        reader = TableReader(table, source.name, "sound", "label", base)
        rows = [row.record for row in reader.checked_rows()]
        known = table.subject_column is not None
        return [replace(r, subject_known=known) for r in rows]
    if source.folder is not None:
        root = folder / source.folder if (folder / source.folder).is_dir() else None
        return _of_folder(source.name, root or data_root / source.folder)
    return []


def _of_dataset(source: Source, data_root: Path) -> list[Record]:
    assert source.dataset is not None
    records = list(load_contents(source.dataset, data_root).records)
    if source.split is None:
        return records
    known = {name for record in records for name in record.splits}
    if source.split not in known:
        raise DataError(
            unknown_name("published split", source.split, sorted(known)),
            where=f"dataset {source.dataset}",
        )
    return [record for record in records if record.splits.get(source.split) == source.part]


def _of_folder(name: str, folder: Path) -> list[Record]:
    if not folder.is_dir():
        raise DataError(
            "The folder of recordings is missing",
            where=str(folder),
            next_step="check the path; it starts at the run file or at the data root",
        )
    paths = sorted(p for p in folder.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES)
    return [
        Record(
            record_id=f"{name}/{path.relative_to(folder).as_posix()}",
            subject_id=f"{name}/{path.relative_to(folder).as_posix()}",
            dataset=name,
            sound_type="sound",
            audio_path=path,
            dms=Dms(),
            subject_known=False,
        )
        for path in paths
    ]


def _contents(records: Sequence[Record], index: AudioIndex) -> dict[Path, str]:
    facts = index.facts_of(_paths(records))
    return {path: fact.sha256 for path, fact in facts.items() if fact.sha256 is not None}


def _paths(records: Iterable[Record]) -> Iterable[Path]:
    return dict.fromkeys(record.audio_path for record in records)
