"""A table's first row, as far as an error may repeat it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import PurePath

from respllm.datasets.on_disk import AUDIO_SUFFIXES
from respllm.errors import unknown_name


def unknown_column(name: str, header: Sequence[str], expected: Collection[str]) -> str:
    """Say that a table has no column `name`, with those it has.

    In a table without a header the first row is what somebody answered: it is not repeated.

    Args:
        header: the first row.
        expected: names that a header of such a table may have.
    """
    if is_header(header, expected):
        return unknown_name("column", name, header)
    return f"Unknown column {name!r}. {unnamed(header)}"


def unnamed(header: Sequence[str]) -> str:
    """What is told of a first row that is no header."""
    return f"The first row has {len(header)} cells and looks like no header"


def is_header(cells: Sequence[str], expected: Collection[str]) -> bool:
    """Whether a first row names columns: one that is expected, and no number, file or long text."""
    return any(cell in expected for cell in cells) and not any(map(_is_value, cells))


def _is_value(cell: str) -> bool:
    if len(cell) > 60 or PurePath(cell).suffix.lower() in AUDIO_SUFFIXES:
        return True
    try:
        float(cell)
    except ValueError:
        return False
    return True
