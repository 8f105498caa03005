"""DMS as a fixed list of numbers: the paper's "hard" coding (figure 3a), without its faults.

| columns | what they hold |
|---|---|
| age, 10 decades | the share of the stated age that lies in 0-9, 10-19, ..., 80-89, 90 and over |
| gender, 3 | Female, Male, Other |
| recording location, 10 | trachea; anterior, posterior, lateral; left, right; upper, middle, lower; other |
| medical history, 22 | one per name of the vocabulary, and one for any other name |
| symptoms, 23 | one per name of the vocabulary, and one for any other name |
| not stated, 5 | 1 for each of these five fields of which nothing is stated |

A field that is not stated has zeros and its "not stated" column; a stated "none" has zeros only. An
age of 65 fills one decade; the band 45-64 is 65 - 45 = 20 years and fills 0.25, 0.5 and 0.25 of
three. A band without an upper limit ends with 99, one without a lower limit begins with 0. A
location is the set of its words, so that ICBHI's "left posterior chest" and KAUH's "posterior left
lower" share two of them.

The published coding has 44 values: one number for the decade of age, the gender and the location, 17
history and 24 symptom flags. There missing is none, "pnts" is a gender, age 9 is the nineties, and
a code that its dictionary lacks is a KeyError.

Fields by dataset (what is not listed is never stated there):

| dataset | gender | age | history | symptoms | location |
|---|---|---|---|---|---|
| uk_covid19 | yes | band | 2 names | 13 names | |
| covid19_sounds | yes | band | 16 names | 12 names | |
| icbhi | yes | years | | | 7 places |
| coswara | yes | years | 8 names | 9 names | |
| kauh | yes | years (hidden by protocol `paper`) | | | 16 places |
"""  # noqa: E501

from __future__ import annotations

import math
import re
from collections.abc import Sequence

import numpy as np

from respllm.datasets.codes import OLDEST
from respllm.datasets.vocabulary import MEDICAL_HISTORY, SYMPTOMS
from respllm.errors import DataError
from respllm.types import Dms

OLDEST_DECADE = 9
BAND_END = 100
"""Where a band without an upper limit ends, in years."""

GENDERS = ("Female", "Male", "Other")
LOCATION_WORDS = (
    *("trachea", "anterior", "posterior", "lateral"),
    *("left", "right", "upper", "middle", "lower"),
)
OTHER = "other"
FIELDS = ("age", "gender", "location", "history", "symptom")

_SILENT_WORDS = {"chest"}  # of a location, says nothing that "trachea" does not
_BAND = re.compile(r"(?P<sign>[<>]=?)?\s*(?P<low>\d{1,3})\s*(?P<open>\+|-)?\s*(?P<high>\d{1,3})?")

HARD_DMS_COLUMNS: tuple[str, ...] = (
    *(f"age {10 * decade}-{10 * decade + 9}" for decade in range(OLDEST_DECADE)),
    "age 90 and over",
    *(f"gender: {name}" for name in GENDERS),
    *(f"location: {word}" for word in (*LOCATION_WORDS, OTHER)),
    *(f"history: {name}" for name in (*MEDICAL_HISTORY, OTHER)),
    *(f"symptom: {name}" for name in (*SYMPTOMS, OTHER)),
    *(f"{name} not stated" for name in FIELDS),
)
"""What each value stands for, in order."""


def hard_dms(people: Sequence[Dms]) -> np.ndarray:
    """What people stated as numbers from 0 to 1, (n, 73) float32; columns: `HARD_DMS_COLUMNS`.

    Raises:
        DataError: an age that is no number of years and no band.
    """
    if not people:
        return np.zeros((0, len(HARD_DMS_COLUMNS)), np.float32)
    return np.array([_row(dms) for dms in people], np.float32)


def _row(dms: Dms) -> list[float]:
    parts = (
        age_decades(dms.age),
        _one_of(dms.gender, GENDERS),
        location_flags(dms.recording_location),
        name_flags(dms.medical_history, MEDICAL_HISTORY),
        name_flags(dms.symptoms, SYMPTOMS),
    )
    sizes = (
        OLDEST_DECADE + 1,
        len(GENDERS),
        len(LOCATION_WORDS) + 1,
        len(MEDICAL_HISTORY) + 1,
        len(SYMPTOMS) + 1,
    )
    values: list[float] = []
    for part, size in zip(parts, sizes, strict=True):
        values += [0.0] * size if part is None else part
    return values + [float(part is None) for part in parts]


def age_decades(age: float | str | None) -> list[float] | None:
    """Share of the stated years in each of ten decades; None if nothing is stated."""
    span = age_span(age)
    if span is None:
        return None
    low, high = span
    if low == high:
        decade = min(int(low // 10), OLDEST_DECADE)
        return [float(i == decade) for i in range(OLDEST_DECADE + 1)]
    starts = [10.0 * i for i in range(OLDEST_DECADE + 1)]
    ends = [*starts[1:], math.inf]
    return [
        max(0.0, min(high, end) - max(low, start)) / (high - low)
        for start, end in zip(starts, ends, strict=True)
    ]


def age_span(age: float | str | None) -> tuple[float, float] | None:
    """The years that a stated age may mean: [low, high), or low = high for a number of years.

    "45-64" is (45, 65); "65+", ">=65", ">64" and "65-" are (65, 100); "<18" and "<=17" are (0, 18).

    Raises:
        DataError: no number of years and no band.
    """
    if age is None or (isinstance(age, float) and not math.isfinite(age)):
        return None  # as the DMS text, which leaves such an age out
    if not isinstance(age, str):
        if not 0 <= age <= OLDEST:
            raise _no_age()
        return float(age), float(age)
    found = _BAND.fullmatch(age.strip())
    if found is None:
        raise _no_age()
    low = float(found["low"])
    if found["sign"]:
        if found["open"] or found["high"]:
            raise _no_age()
        included = found["sign"].endswith("=")
        if found["sign"].startswith("<"):
            span = (0.0, low + included)
        else:
            span = (low + (not included), float(max(BAND_END, low + 2)))
    elif found["high"]:
        span = (low, float(found["high"]) + 1)
        if found["open"] != "-":
            raise _no_age()
    elif found["open"]:
        span = (low, float(max(BAND_END, low + 1)))
    else:
        return low, low
    if span[0] >= span[1]:
        raise _no_age()
    return span


def location_flags(location: str | None) -> list[float] | None:
    """Which words a recording location is made of, and whether there is any other; or None."""
    if location is None:
        return None
    words = set(location.lower().split()) - _SILENT_WORDS
    other = bool(words - set(LOCATION_WORDS))
    return [*(float(word in words) for word in LOCATION_WORDS), float(other)]


def name_flags(names: Sequence[str] | None, vocabulary: Sequence[str]) -> list[float] | None:
    """Which names of the vocabulary are stated, and whether any other is; None: nothing stated."""
    if names is None:
        return None
    stated = {" ".join(name.lower().split()) for name in names}
    known = [name.lower() for name in vocabulary]
    return [*(float(name in stated) for name in known), float(bool(stated - set(known)))]


def _one_of(value: str | None, names: Sequence[str]) -> list[float] | None:
    return None if value is None else [float(value == name) for name in names]


def _no_age() -> DataError:
    return DataError(
        "A stated age is none",
        where="the hard coding of DMS",
        expected=f"years from 0 to {OLDEST}, or a band like 45-64, 65+, <18",
        next_step="correct the table, or leave the age empty if it is not known",
    )
