"""Find a person in a data root and in own tables: names, recordings, and shared sounds."""

from __future__ import annotations

import difflib
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from respllm.audio.headers import read_facts
from respllm.datasets import DATASETS, load_contents
from respllm.datasets.table_copies import digests, grouped_by_content
from respllm.datasets.table_rows import TableReader
from respllm.errors import DataError, RespllmError
from respllm.tasks import Task
from respllm.tasks.selection import person_naming, table_base
from respllm.types import Record


@dataclass(frozen=True, slots=True)
class Place:
    """A dataset's recordings, or an own table's as one task reads them.

    Attributes:
        records: all of them, also those that no selection would use.
        person_of: subject id -> the name that the person has in all tasks of one table.
    """

    records: tuple[Record, ...]
    person_of: Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of one person.

    Attributes:
        names: in datasets, tasks and studies; the one that was asked for too.
        records: the person's recordings.
        contents: SHA-256 of those of them that can be read.
        own: those contents that are nobody else's.
        shared: ids of those whose very bytes are another person's recording too.
    """

    names: frozenset[str]
    records: tuple[Record, ...]
    contents: frozenset[str]
    own: frozenset[str]
    shared: tuple[str, ...]

    @property
    def paths(self) -> list[Path]:
        """Files of the recordings."""
        return list(dict.fromkeys(record.audio_path for record in self.records))


def read_places(data_root: Path, tasks: Sequence[Task]) -> tuple[list[Place], tuple[str, ...]]:
    """All datasets of a data root, the own tables of `tasks`, and what could not be read."""
    places, problems = [], []
    for name in DATASETS:
        if (data_root / name).is_dir():
            try:
                records = load_contents(name, data_root).records
                places.append(Place(records, lambda subject: subject))
            except RespllmError as error:
                problems.append(f"{name} could not be read, so it was not looked at: {error}")
    for task in tasks:
        if task.table is not None:
            places.append(Place(tuple(_listed(task, data_root)), person_naming(task, data_root)))
    return places, tuple(problems)


def find_person(name: str, places: Sequence[Place]) -> Person:
    """Everything of the person with a name; without a recording if nobody has it."""
    aliases = {name} | {
        place.person_of(record.subject_id)
        for place in places
        for record in place.records
        if name in (record.subject_id, place.person_of(record.subject_id))
    }
    records: dict[str, Record] = {}
    others: dict[Path, Record] = {}
    names = set(aliases)
    for place in places:
        for record in place.records:
            person = place.person_of(record.subject_id)
            if person in aliases or record.subject_id in aliases:
                records[record.record_id] = record
                names |= {person, record.subject_id}
            else:
                others[record.audio_path] = record
    return _heard(frozenset(names), tuple(records.values()), others)


def nobody(name: str, places: Sequence[Place], where: Path) -> DataError:
    """That a name is nobody's, with the nearest names."""
    known = {record.subject_id for place in places for record in place.records}
    near = sorted(one for one in known if one.rpartition("/")[2] == name)
    near = near or difflib.get_close_matches(name, known, n=3)
    hint = f" Did you mean {' or '.join(map(repr, near[:3]))}?" if near else ""
    return DataError(
        f"Nobody is called {name!r}.{hint}",
        where=str(where),
        expected="a subject's id as it stands in tables of predictions, such as 'icbhi/101'; "
        "of your own table '<task id>/<subject>', with --task or --run",
        next_step="check the id; if the recordings were deleted before, `respllm cache --clear` "
        "deletes what was kept of them",
    )


def _listed(task: Task, data_root: Path) -> Iterator[Record]:
    """Every row's recording: also copies, which a task leaves out and a cache may hold."""
    assert task.table is not None
    base = table_base(task, task.table, data_root)
    reader = TableReader(task.table, task.id, task.sound, "label", base)
    for row in reader.rows():
        if task.table.subject_column is None:
            if not row.record.audio_path.is_file():
                continue
            row = grouped_by_content(row, task.id, digests([row], every=True))
        yield row.record


def _heard(
    names: frozenset[str], records: tuple[Record, ...], others: dict[Path, Record]
) -> Person:
    contents: dict[str, list[str]] = defaultdict(list)
    for record in records:
        if sha256 := read_facts(record.audio_path).sha256:
            contents[sha256].append(record.record_id)
    sizes = {_size(record.audio_path) for record in records}
    paths = {record.audio_path for record in records}
    # Only a file of the same size can be the same; one that is the person's in another table, and
    # another's in this one, is shared as well.
    elsewhere = {
        read_facts(path).sha256 for path in others if path in paths or _size(path) in sizes - {None}
    }
    shared = [name for sha256, own in contents.items() if sha256 in elsewhere for name in own]
    return Person(
        names,
        records,
        contents=frozenset(contents),
        own=frozenset(contents.keys() - elsewhere),
        shared=tuple(sorted(shared)),
    )


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None
