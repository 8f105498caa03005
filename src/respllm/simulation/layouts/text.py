"""Tables and identifiers, as the datasets' publishers write them."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Iterable, Sequence

import numpy as np


def delimited(rows: Iterable[Sequence[object]], delimiter: str = ",") -> bytes:
    """Rows as UTF-8 text, one line each; `None` is an empty cell."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()


def identifier(rng: np.random.Generator, letters: str, length: int) -> str:
    """A made-up id of `length` characters out of `letters`."""
    return "".join(letters[i] for i in rng.integers(len(letters), size=length))


def day(rng: np.random.Generator) -> datetime.date:
    """A day of recording, between June 2020 and May 2021, independent of the person."""
    return datetime.date(2020, 6, 1) + datetime.timedelta(days=int(rng.integers(365)))
