"""Your own cohort: one table, one row for each recording (or clip of a recording), no code."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from respllm.datasets.table_copies import digests, grouped_by_content, without_copies
from respllm.datasets.table_rows import TableReader, TableRow, is_there
from respllm.datasets.table_source import TableSource
from respllm.errors import DataError
from respllm.types import Split

__all__ = ["TableContents", "TableRow", "TableSource", "read_table"]


@dataclass(frozen=True, slots=True)
class TableContents:
    """What a table holds, and what was left out of it.

    Attributes:
        rows: in the table's order.
        missing: record ids whose audio file does not exist.
        conflicting: record ids left out, because byte-identical audio has both labels.
        repeated: record ids left out, because byte-identical audio came before with their label.
        notes: what a reader of a result must know.
    """

    rows: tuple[TableRow, ...]
    missing: tuple[str, ...] = ()
    conflicting: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def read_table(
    source: TableSource, *, dataset: str, sound_type: str, label: str, base: Path
) -> TableContents:
    """Read your own table.

    Args:
        source: what to read.
        dataset: first part of all record and subject ids: `<dataset>/<audio as written>`.
        sound_type: of every record.
        label: the condition's name in `Record.labels`.
        base: where relative paths start (the task file's folder).

    Raises:
        DataError: the table cannot be read, lacks a column, has no row to read or a cell that
            means nothing; a recording is listed twice; a subject is in two splits; no audio file
            exists. Rows are counted from 1, without the header.
    """
    reader = TableReader(source, dataset, sound_type, label, base)
    present: list[TableRow] = []
    absent: list[TableRow] = []
    for row in reader.checked_rows():
        (present if is_there(row.record) else absent).append(row)
    missing = tuple(_ids(absent))
    if not present:
        raise nothing_there(reader, len(missing))
    hashes = digests(present, every=source.subject_column is None)
    if source.subject_column is None:
        present = [grouped_by_content(row, dataset, hashes) for row in present]
    kept, conflicting, repeated = without_copies(present, hashes)
    _check_splits(kept, reader.path)
    return TableContents(
        rows=tuple(kept),
        missing=missing,
        conflicting=tuple(_ids(conflicting)),
        repeated=tuple(_ids(repeated)),
        notes=tuple(_notes(source, reader, kept, missing, conflicting, repeated)),
    )


def nothing_there(reader: TableReader, missing: int) -> DataError:
    """That no recording of a table exists."""
    return DataError(
        f"None of the {missing} recordings exists",
        where=str(reader.path),
        expected=f"audio files under {reader.audio_root}",
        next_step="check `audio_root` and `audio_column`",
    )


def _ids(rows: Iterable[TableRow]) -> list[str]:
    return list(dict.fromkeys(row.record.record_id for row in rows))


def _check_splits(rows: list[TableRow], path: Path) -> None:
    parts: dict[str, set[Split]] = defaultdict(set)
    for row in rows:
        parts[row.record.subject_id].update(row.record.splits.values())
    torn = sorted(subject for subject, splits in parts.items() if len(splits) > 1)
    if torn:
        raise DataError(
            f"{len(torn)} subject(s) in two splits: {_named(torn)}",
            where=str(path),
            expected="every recording of a subject in one split",
            next_step="correct the split column, or leave `split_column` out to split by subject",
        )


def _notes(
    source: TableSource,
    reader: TableReader,
    kept: list[TableRow],
    missing: tuple[str, ...],
    conflicting: list[TableRow],
    repeated: list[TableRow],
) -> Iterable[str]:
    if source.subject_column is None:
        groups = len({row.record.subject_id for row in kept})
        yield (
            f"Subjects are unknown: {groups} groups of byte-identical recordings stand for them; "
            "recordings of one person may be in different parts."
        )
    if missing:
        yield f"{len(missing)} recordings do not exist: {_named(missing)}."
    if conflicting:
        yield (
            f"{len(conflicting)} rows left out, because byte-identical audio has both labels: "
            f"{_named(_ids(conflicting))}."
        )
    if repeated:
        yield (
            f"{len(repeated)} rows left out, because byte-identical audio with the same label "
            f"came before: {_named(_ids(repeated))}."
        )
    unlabelled = sum(row.label is None for row in kept)
    if source.label_column is not None and unlabelled:
        yield f"{unlabelled} rows have no label."
    if reader.others:
        yield f"{reader.others} rows count as 0, because their label is no value of `positive`."
    unsplit = sum(not row.record.splits for row in kept)
    if source.split_column is not None and unsplit:
        yield f"{unsplit} rows name no split."


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(names[:3]) + more
