"""Byte-identical recordings in your own table: who they belong to, and which are left out."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from respllm.datasets.table_rows import TableRow
from respllm.errors import DataError


def digests(rows: Iterable[TableRow], *, every: bool) -> dict[Path, str]:
    """SHA-256 of the recordings; unless `every`, only of those that have another one's size.

    Raises:
        DataError: a recording cannot be read.
    """
    paths = list(dict.fromkeys(row.record.audio_path for row in rows))
    found = {}
    try:
        sizes = {path: path.stat().st_size for path in paths}
        common = Counter(sizes.values())
        for path in paths:
            if every or common[sizes[path]] > 1:
                with path.open("rb") as file:
                    found[path] = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DataError(f"Cannot read {error.filename}: {error.strerror}") from error
    return found


def grouped_by_content(row: TableRow, dataset: str, hashes: dict[Path, str]) -> TableRow:
    """The row with the recording's content as its subject, marked as not known."""
    subject = f"{dataset}/sha256:{hashes[row.record.audio_path][:16]}"
    return replace(row, record=replace(row.record, subject_id=subject, subject_known=False))


def without_copies(
    rows: list[TableRow], hashes: dict[Path, str]
) -> tuple[list[TableRow], list[TableRow], list[TableRow]]:
    """Rows kept; rows whose audio has both labels; rows that repeat an earlier row's audio.

    Clips are compared with clips of the same start and stop. Rows without a label can neither
    contradict nor leak an answer: they are all kept.
    """
    groups: dict[tuple[object, float, float | None], list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        if row.label is not None:
            path = row.record.audio_path
            groups[hashes.get(path, path), row.start, row.stop].append(index)
    conflicting: set[int] = set()
    repeated: set[int] = set()
    for group in groups.values():
        if len({rows[index].label for index in group}) > 1:
            conflicting.update(group)
        else:
            repeated.update(group[1:])
    left_out = conflicting | repeated
    return (
        [row for index, row in enumerate(rows) if index not in left_out],
        [rows[index] for index in sorted(conflicting)],
        [rows[index] for index in sorted(repeated)],
    )
