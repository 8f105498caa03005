"""Take a person's rows out of tables of results, and change nothing else in them."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from respllm.errors import DataError

_CLIP = re.compile(r"@[0-9.]+-(?:end|[0-9.]+)#[0-9]+$")
_SUBJECTS, _RECORDS, _CLIPS = ("subject", "subject_id"), ("record", "record_id"), ("clip",)


@dataclass(frozen=True, slots=True)
class Names:
    """What a person's rows may be known by.

    Attributes:
        people: names of the person.
        records: ids of the person's recordings.
    """

    people: frozenset[str]
    records: frozenset[str]

    def are_in(self, row: Any) -> bool:
        """Whether a row of a table, by column, is one of the person's."""
        if not isinstance(row, dict):
            return False
        return (
            any(row.get(name) in self.people for name in _SUBJECTS)
            or any(row.get(name) in self.records for name in _RECORDS)
            or any(_CLIP.sub("", str(row.get(name))) in self.records for name in _CLIPS)
        )


def records_of(path: Path, names: Names) -> frozenset[str]:
    """Ids of the recordings that a table says are the person's."""
    return frozenset(
        str(row[column])
        for row in _rows(path)
        if any(row.get(name) in names.people for name in _SUBJECTS)
        for column in _RECORDS
        if column in row
    )


def remove_rows(path: Path, names: Names) -> int:
    """Take a person's rows out of a CSV or JSON file of predictions, scores or skipped clips.

    Every other byte stays as it is, and so does the file if no row is the person's. It is the old
    or the new one, never half of it.

    Returns:
        The number of rows taken out.

    Raises:
        DataError: no such file, or no table of results.
    """
    new, removed = _without_json(path, names) if _is_json(path) else _without_csv(path, names)
    if removed:
        draft = path.with_name(path.name + ".new")
        try:
            draft.unlink(missing_ok=True)
            draft.touch(mode=0o600)  # from the first byte on nobody may read more than before
            draft.write_bytes(new)
            shutil.copymode(path, draft)
            os.replace(draft, path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    return removed


def _is_json(path: Path) -> bool:
    return path.suffix.lower() == ".json"


def _rows(path: Path) -> Iterator[dict]:
    if _is_json(path):
        content = _json(path)
        lists = [content] if isinstance(content, list) else list(content.values())
        yield from (row for rows in lists if isinstance(rows, list) for row in rows)
    else:
        header, lines = _csv(path)
        yield from (dict(zip(header, cells, strict=False)) for cells, _ in lines)


def _without_csv(path: Path, names: Names) -> tuple[bytes, int]:
    header, lines = _csv(path)
    kept, removed = [], 0
    for place, (cells, text) in enumerate(lines):
        if place and names.are_in(dict(zip(header, cells, strict=False))):
            removed += 1
        else:
            kept.append(text)
    return "".join(kept).encode(), removed


def _csv(path: Path) -> tuple[list[str], list[tuple[list[str], str]]]:
    """The columns, and each row (the header first) with its text as it stands in the file."""
    text = _text(path)
    taken: list[str] = []

    def lines() -> Iterable[str]:
        for line in io.StringIO(text, newline=""):
            taken.append(line)
            yield line

    found = []
    try:
        for cells in csv.reader(lines()):
            found.append((cells, "".join(taken)))
            taken.clear()
    except csv.Error as error:
        raise _no_table(path) from error
    header = found[0][0] if found else []
    if not {*_SUBJECTS, *_RECORDS, *_CLIPS} & set(header):
        raise _no_table(path)
    return header, found


def _without_json(path: Path, names: Names) -> tuple[bytes, int]:
    content = _json(path)
    removed = 0

    def less(rows: Any) -> Any:
        nonlocal removed
        if not isinstance(rows, list):
            return rows
        kept = [row for row in rows if not names.are_in(row)]
        removed += len(rows) - len(kept)
        return kept

    new = (
        less(content)
        if isinstance(content, list)
        else {name: less(rows) for name, rows in content.items()}
    )
    if not removed:
        return b"", 0
    return (json.dumps(new, indent=2) + "\n").encode(), removed


def _json(path: Path) -> Any:
    try:
        content = json.loads(_text(path))
    except ValueError as error:
        raise _no_table(path) from error
    if not isinstance(content, list | dict):
        raise _no_table(path)
    return content


def _text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return file.read()
    except UnicodeDecodeError as error:
        raise _no_table(path) from error
    except OSError as error:
        raise DataError(
            f"The file cannot be read: {error.strerror}",
            where=str(path),
            next_step="check the path",
        ) from error


def _no_table(path: Path) -> DataError:
    return DataError(
        "Not a table of predictions or scores",
        where=str(path),
        expected="a CSV file with a column subject, record or clip, or the JSON of `respllm "
        "predict`",
        next_step="name a file that `respllm predict` or `respllm evaluate` wrote",
    )
