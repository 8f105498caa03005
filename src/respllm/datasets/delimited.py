"""Rows of a dataset's delimited text tables, each knowing where it stands for error messages."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from respllm.datasets.header import is_header, unnamed
from respllm.errors import DataError


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table: the cells that were asked for, without outer white space."""

    path: Path
    line: int
    cells: dict[str, str]

    def __getitem__(self, column: str) -> str:
        return self.cells[column]

    def where(self, column: str) -> str:
        """The cell's place, for an error message."""
        return f"{self.path}, line {self.line}, column {column!r}"


def read_table_with_header(path: Path, columns: Sequence[str], delimiter: str = ",") -> list[Row]:
    """Read a table whose first row names its columns; it may have more than `columns`.

    Raises:
        DataError: no such file, not UTF-8 text, a missing column, a row of another length.
    """
    lines = _lines(path, delimiter)
    header = [name.strip() for name in next(lines, (0, [""]))[1]]
    missing = [column for column in columns if column not in header]
    if missing:
        raise DataError(
            f"The table lacks the columns {', '.join(map(repr, missing))}",
            where=str(path),
            expected=f"{_name(delimiter)}-separated columns with a header. "
            + (f"Found: {', '.join(header)}" if is_header(header, columns) else unnamed(header)),
            next_step="use the file as published",
        )
    wanted = set(columns)
    return [_row(path, line, cells, header, wanted, delimiter) for line, cells in lines]


def read_table_without_header(path: Path, columns: Sequence[str], delimiter: str) -> list[Row]:
    """Read a table that has exactly `columns`, unnamed in the file; errors as above."""
    return [
        _row(path, line, cells, columns, set(columns), delimiter)
        for line, cells in _lines(path, delimiter)
    ]


def by_key(rows: Sequence[Row], column: str) -> dict[str, Row]:
    """Rows by the value of one column.

    Raises:
        DataError: two rows with the same value.
    """
    found: dict[str, Row] = {}
    for row in rows:
        if row[column] in found:
            raise DataError(
                f"{row[column]!r} is listed twice, first in line {found[row[column]].line}",
                where=row.where(column),
                expected="one row each",
                next_step="remove the row that is wrong",
            )
        found[row[column]] = row
    return found


def _lines(path: Path, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file, delimiter=delimiter)
            for cells in reader:
                if any(cell.strip() for cell in cells):
                    yield reader.line_num, cells
    except FileNotFoundError as error:
        raise DataError(
            f"The table {path.name} is missing",
            where=str(path.parent),
            expected="the layout of the published release",
            next_step="add the file from the publisher's download",
        ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(
            f"The table cannot be read: {error}", where=str(path), expected="UTF-8 text"
        ) from error


def _row(
    path: Path,
    line: int,
    cells: list[str],
    columns: Sequence[str],
    wanted: set[str],
    delimiter: str,
) -> Row:
    if len(cells) != len(columns):
        raise DataError(
            f"The row has {len(cells)} values",
            where=f"{path}, line {line}",
            expected=f"{len(columns)} {_name(delimiter)}-separated values: {', '.join(columns)}",
            next_step="use the file as published",
        )
    named = zip(columns, cells, strict=True)
    return Row(path, line, {column: cell.strip() for column, cell in named if column in wanted})


def _name(delimiter: str) -> str:
    return {",": "comma", ";": "semicolon", "\t": "tab"}[delimiter]
