"""From one table cell to a typed value: what several datasets write in the same way.

In all of these, `where` names the cell for the error, and a cell in which nothing is stated
("", "NA", "pnts", "prefer not to say", ...) gives `None`. An unknown code is a `DataError` with
the nearest known one; it is never guessed or dropped. The contents of a cell are a patient's: no
error repeats them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TypeVar

from respllm.datasets.vocabulary import GENDER_CODES, NOT_STATED
from respllm.errors import DataError, unknown_answer
from respllm.types import Gender, Split

OLDEST = 120
"""Years above which a stated age is not one."""

SPLIT_CODES: Mapping[str, Split] = {
    "train": "train",
    "val": "validation",
    "validation": "validation",
    "test": "test",
}

Name = TypeVar("Name")

_TICKS = {"true": True, "y": True, "yes": True, "1": True, "1.0": True}
_TICKS |= {"": False, "false": False, "n": False, "no": False, "0": False, "0.0": False}
_BAND = re.compile(r"([<>]=?\s*)?\d{1,3}\s*(-\s*(\d{1,3})?|\+)?")


def is_stated(cell: str) -> bool:
    """Whether a cell says anything."""
    return cell.strip().lower().replace("_", " ") not in NOT_STATED


def read_words(cell: str) -> str | None:
    """Free words as they stand; None if nothing is stated."""
    return " ".join(cell.split()) if is_stated(cell) else None


def look_up(cell: str, names: Mapping[str, Name], kind: str, where: str) -> Name:
    """The name of a code, whatever its case. `names` has lower-case keys.

    Raises:
        DataError: a code that `names` does not have.
    """
    code = cell.strip().lower()
    if code not in names:
        raise DataError(
            unknown_answer(f"{kind} code", cell.strip(), names),
            where=where,
            next_step="compare the table with the published release",
        )
    return names[code]


def read_gender(cell: str, where: str) -> Gender | None:
    """A gender, whatever the dataset writes for it."""
    return look_up(cell, GENDER_CODES, "gender", where) if is_stated(cell) else None


def read_years(cell: str, where: str) -> float | None:
    """An age in years, above 0 (babies have fractions) and at most 120."""
    if not is_stated(cell):
        return None
    years = read_number(cell, where, "an age in years")
    if not is_plausible_age(years):
        raise DataError("No age", where=where, expected=f"more than 0, at most {OLDEST}")
    return years


def is_plausible_age(years: float) -> bool:
    """Whether a number can be somebody's age in years."""
    return 0 < years <= OLDEST


def read_age(cell: str, where: str) -> float | str | None:
    """An age as stated: a number of years, or a band ("45-64", "90-", "94+") kept as written."""
    if not is_stated(cell):
        return None
    text = " ".join(cell.split())
    if text.replace(".", "", 1).isdecimal():
        return read_years(text, where)
    if _BAND.fullmatch(text) is None:
        raise DataError("No age", where=where, expected="a number or a band like 45-64")
    return text


def read_number(cell: str, where: str, expected: str = "a number") -> float:
    """A finite number."""
    try:
        number = float(cell)
    except ValueError:
        number = float("nan")
    if not abs(number) < float("inf"):
        raise DataError("Not a number", where=where, expected=expected)
    return number


def is_ticked(cell: str, where: str) -> bool:
    """Whether a box is ticked (True, y, 1); an empty cell is a box left alone."""
    return look_up(cell, _TICKS, "tick box", where)


def read_split(cell: str, where: str) -> Split:
    """A published part: train, val (or validation), test."""
    return look_up(cell, SPLIT_CODES, "split", where)
