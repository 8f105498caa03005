"""Tables as mirrors rewrite them: with a header, separated by spaces, commas or semicolons."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from respllm.datasets.delimited import Row
from respllm.errors import DataError

DELIMITERS = ("\t", ",", ";")
SPACE = " "
"""Any white space."""


def separated_by(delimiter: str) -> str:
    """What a separator is called."""
    names = {"\t": "tab", ",": "comma", ";": "semicolon", SPACE: "space"}
    return f"{names[delimiter]}-separated"


def header_delimiter(path: Path, columns: Sequence[str], published: str) -> str:
    """The separator by which the first row names all `columns`; else the published one."""
    first = _first_line(path)
    for delimiter in (published, *DELIMITERS):
        if set(columns) <= set(_cells(first, delimiter)):
            return delimiter
    return published


def read_mirror_table(
    path: Path, columns: Mapping[str, frozenset[str]], required: Sequence[str], renamed: bool
) -> tuple[list[Row], str] | None:
    """Read a table that is published with tabs and without a header, if it is not that.

    Args:
        columns: in their published order -> what a header may call them, in lower case and
            without anything but letters and digits.
        required: those that a header must have; others that it lacks are left empty.
        renamed: whether the file has a mirror's name: then it may lack a header, too.

    Returns:
        The rows and a description; None where the table is as published or not recognised.

    Raises:
        DataError: a row of another length.
    """
    lines = _lines(path)
    if not lines:
        return None
    for delimiter in (*DELIMITERS, SPACE):
        header = [_column(cell, columns) for cell in _cells(lines[0][1], delimiter)]
        known = [column for column in header if column]
        if set(required) <= set(known) and len(set(known)) == len(known):
            rows = [_row(path, line, header, columns, delimiter) for line in lines[1:]]
            return rows, f"{separated_by(delimiter)} with a header"
    if renamed:
        for delimiter in (*DELIMITERS, SPACE):
            if len(_cells(lines[0][1], delimiter)) == len(columns):
                rows = [_row(path, line, list(columns), columns, delimiter) for line in lines]
                return rows, separated_by(delimiter)
    return None


def _row(
    path: Path,
    line: tuple[int, str],
    header: Sequence[str],
    columns: Mapping[str, frozenset[str]],
    delimiter: str,
) -> Row:
    number, text = line
    cells = _cells(text, delimiter)
    if len(cells) != len(header):
        raise DataError(
            f"The row has {len(cells)} values",
            where=f"{path}, line {number}",
            expected=f"{len(header)} {separated_by(delimiter)} values, as in the first row",
            next_step="use the file as published",
        )
    named = dict(zip(header, cells, strict=True))
    return Row(path, number, {column: named.get(column, "") for column in columns})


def _column(cell: str, columns: Mapping[str, frozenset[str]]) -> str:
    """The column that a header means; "" for none of them."""
    plain = re.sub(r"[^a-z0-9]", "", cell.lower())
    return next((column for column, names in columns.items() if plain in names), "")


def _cells(text: str, delimiter: str) -> list[str]:
    if delimiter == SPACE:
        return text.split()
    return [cell.strip() for cell in next(csv.reader([text], delimiter=delimiter), [])]


def _first_line(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig") as file:
            return next((line for line in file if line.strip()), "")
    except (OSError, UnicodeDecodeError):
        return ""


def _lines(path: Path) -> list[tuple[int, str]]:
    """The lines that say something; none where the file cannot be read (its reader says why)."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return []
    lines = enumerate(text.splitlines(), start=1)
    return [(number, line) for number, line in lines if line.strip()]
