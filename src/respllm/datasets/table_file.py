"""The rows of your own table as the file holds them; no type is guessed.

Rows are read as they are asked for, so that a long table needs no more memory than a short one;
only a JSON list is read as a whole.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from respllm.errors import DataError

Row = dict[str, object]

_PARQUET_ROWS = 1024  # decoded at once


@dataclass(frozen=True, slots=True)
class TableFile:
    """A table that can be read any number of times.

    Attributes:
        path: of the file.
        names: of the columns.
    """

    path: Path
    names: list[str]
    _read: Callable[[], Iterator[Row]]

    def rows(self) -> Iterator[Row]:
        """The rows in the file's order; a short row of CSV or TSV ends in empty cells.

        Cells of CSV and TSV files are text as written ("" where empty); in the other formats they
        have the type the file gives them, `None` where it gives none.

        Raises:
            DataError: a damaged file.
        """
        with _told(self.path):
            yield from self._read()


def open_table(path: Path) -> TableFile:
    """Open a CSV, TSV, Parquet, JSON lines or JSON file.

    Raises:
        DataError: no such file, an unknown or damaged format, two columns of one name, no rows.
    """
    if not path.is_file():
        raise DataError(f"No table {path}", next_step="check `table` in the task file")
    opener = _OPENERS.get(path.suffix.lower())
    if opener is None:
        raise DataError(
            f"Unknown kind of table {path.suffix!r}",
            where=str(path),
            expected=", ".join(_OPENERS),
        )
    with _told(path):
        return _checked(opener(path))


def separated(path: Path, separator: str, opened: Callable[[], TextIO]) -> TableFile:
    """Read separated text that `opened` gives anew each time; `path` is its name in errors.

    Raises:
        DataError: as `open_table`.
    """
    with _told(path):
        return _checked(_separated(path, separator, opened))


def _checked(table: TableFile) -> TableFile:
    path = table.path
    first: dict[str, int] = {}
    for place, name in enumerate(table.names, start=1):
        if name and first.setdefault(name, place) != place:
            # Not repeated: without a header it is what somebody answered.
            raise DataError(
                f"Columns {first[name]} and {place} have one name",
                where=str(path),
                expected="a header that names each column once",
            )
    if next(table.rows(), None) is None:
        raise DataError("The table has no rows", where=str(path))
    return table


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError:
        raise DataError(
            "The table is not UTF-8 text",
            where=str(path),
            next_step="save it again with the encoding UTF-8",
        ) from None
    except RecursionError:
        raise DataError("Not a readable table: nested too deeply", where=str(path)) from None
    except OSError as error:
        problem = error.strerror or "the file is damaged"
        raise DataError(f"Cannot read the table: {problem}", where=str(path)) from error


def _separated(path: Path, separator: str, opened: Callable[[], TextIO]) -> TableFile:
    header = next(_lines(path, separator, opened), None)
    if header is None:
        raise DataError("Not a readable table: the file is empty", where=str(path))
    names = [name.strip() for name in header[1]]

    def rows() -> Iterator[Row]:
        lines = _lines(path, separator, opened)
        next(lines)
        for number, cells in lines:
            if len(cells) > len(names):
                raise DataError(
                    f"Not a readable table: {len(cells)} cells in a row",
                    where=f"{path}, line {number}",
                    expected=f"at most {len(names)}, as in the header",
                    next_step="put cells that hold the separator in quotation marks",
                )
            yield dict(zip(names, cells + [""] * (len(names) - len(cells)), strict=True))

    return TableFile(path, names, rows)


def _opened(path: Path) -> Callable[[], TextIO]:
    return lambda: path.open(encoding="utf-8-sig", newline="")


def _lines(
    path: Path, separator: str, opened: Callable[[], TextIO]
) -> Iterator[tuple[int, list[str]]]:
    """Lines that are not blank, with their numbers."""
    with opened() as file:
        # Strict: a quotation mark that is never closed would swallow the rest of the file.
        reader = csv.reader(file, delimiter=separator, strict=True)
        try:
            for cells in reader:
                if len(cells) > 1 or (cells and cells[0].strip()):
                    yield reader.line_num, cells
        except csv.Error as error:
            raise DataError(
                f"Not a readable table: {error}", where=f"{path}, line {reader.line_num}"
            ) from None


def _parquet(path: Path) -> TableFile:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def rows() -> Iterator[Row]:
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(_PARQUET_ROWS):
                    yield from batch.to_pylist()
        except (pa.ArrowException, ValueError, OverflowError):
            raise DataError("Not a Parquet file", where=str(path)) from None

    try:
        return TableFile(path, list(pq.read_schema(path).names), rows)
    except (pa.ArrowException, ValueError, OverflowError):
        raise DataError("Not a Parquet file", where=str(path)) from None


def _json(path: Path) -> TableFile:
    try:
        content = json.loads(path.read_text(encoding="utf-8-sig"), object_pairs_hook=_each_key_once)
    except UnicodeDecodeError:
        raise
    except ValueError as error:  # also for a number of more than 4,300 digits
        raise DataError(f"Not valid JSON: {error}", where=str(path)) from None
    if not isinstance(content, list) or not all(isinstance(row, dict) for row in content):
        raise _no_objects(path)
    return TableFile(path, _names(content), lambda: iter(content))


def _json_lines(path: Path) -> TableFile:
    def rows() -> Iterator[Row]:
        with path.open(encoding="utf-8-sig", newline="\n") as file:
            for number, line in enumerate(file, start=1):
                if not line.strip():
                    continue
                try:
                    row = json.loads(line, object_pairs_hook=_each_key_once)
                except ValueError as error:  # also for a number of more than 4,300 digits
                    problem = error.msg if isinstance(error, json.JSONDecodeError) else error
                    raise DataError(
                        f"Not valid JSON: {problem}", where=f"{path}, line {number}"
                    ) from None
                if not isinstance(row, dict):
                    raise _no_objects(path)
                yield row

    return TableFile(path, _names(rows()), rows)


def _each_key_once(pairs: list[tuple[str, object]]) -> Row:
    row = dict(pairs)
    if len(row) < len(pairs):  # the last of them would win
        raise ValueError("an object has two values of one name")
    return row


def _names(rows: Iterator[Row] | list[Row]) -> list[str]:
    """Objects need not have the same keys: a column is what any of them has."""
    return list(dict.fromkeys(name for row in rows for name in row))


def _no_objects(path: Path) -> DataError:
    return DataError(
        "The file holds no list of objects",
        where=str(path),
        expected='[{"audio": "a.wav", "label": 1}, ...], or one such object a line in .jsonl',
    )


_OPENERS: dict[str, Callable[[Path], TableFile]] = {
    ".csv": lambda path: _separated(path, ",", _opened(path)),
    ".tsv": lambda path: _separated(path, "\t", _opened(path)),
    ".parquet": _parquet,
    ".jsonl": _json_lines,
    ".json": _json,
}
