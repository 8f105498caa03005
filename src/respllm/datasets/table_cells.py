"""What one cell of your own table says: text, number, list, or nothing.

The contents of a cell are a patient's words: no error repeats them.
"""

from __future__ import annotations

import math
import re
import unicodedata
from decimal import Decimal, DecimalException

from respllm.datasets.vocabulary import GENDER_CODES
from respllm.errors import DataError
from respllm.types import SPLITS, Gender, Split

MAX_ITEM_CHARACTERS = 100
MAX_AGE = 130
MAX_DIGITS = 28
"""That `Decimal` compares exactly."""

# Without "none", which states something in a list.
NOT_STATED = frozenset(
    [
        *("", "nan", "na", "n/a", "<na>", "nat", "null", "?", "-"),
        *("unknown", "not known", "not stated", "prefer not to say", "pnts"),
    ]
)
_NONE = frozenset({"none", "no"})
_GENDERS: dict[str, Gender] = {
    **GENDER_CODES,
    "woman": "Female",
    "man": "Male",
    "o": "Other",
    "non-binary": "Other",
    "nonbinary": "Other",
    "diverse": "Other",
}
_SPLITS: dict[str, Split] = {
    **{split: split for split in SPLITS},
    "val": "validation",
    "valid": "validation",
    "dev": "validation",
}
_TRUTH = {"true": "1", "yes": "1", "false": "0", "no": "0"}
_BAND = re.compile(r"[<>]=?\s*\d{1,3}|\d{1,3}\s*(-\s*(\d{1,3})?|\+)?")
_COMPOUND = (dict, set, bytes)
_PAUSES = str.maketrans(dict.fromkeys(".,:;", " "))
_ONE_FORM = str.maketrans({"≤": "<=", "≥": ">=", "–": "-"})


def plain(value: object) -> str:
    """A cell as text without outer white space; "" for an empty one, "63" for 63.0."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def canonical(value: object) -> str:
    """A cell as a code to compare: case ignored, 1.0 = 1 = true = yes, 0 = false = no."""
    folded = plain(value).casefold()
    try:
        number = Decimal(folded)
        # Longer codes, such as identifiers, would be rounded and so be one.
        if len(number.as_tuple().digits) > MAX_DIGITS:
            return folded
        return str(number.normalize())
    except DecimalException:
        return _TRUTH.get(folded, folded)


def is_single(value: object) -> bool:
    """Whether a cell is one value, or a list of single values; no object, table or bytes."""
    if isinstance(value, (list, tuple)):
        return not any(isinstance(part, (*_COMPOUND, list, tuple)) for part in value)
    return not isinstance(value, _COMPOUND)


def is_not_stated(value: object) -> bool:
    """Whether a cell is empty or says that nothing is known."""
    return plain(value).casefold().replace("_", " ") in NOT_STATED


def stated(value: object) -> str | None:
    """A cell as text, `None` if nothing is stated; "none" states nothing either."""
    text = plain(value)
    return None if is_not_stated(text) or text.casefold() == "none" else text


def identifier(value: object, where: str) -> str:
    """A path or a subject: stated, and free of control characters."""
    text = stated(value)
    if text is None:
        raise DataError("The cell is empty", where=where, expected="a value in every row")
    if not text.isprintable() and any(map(_is_control, text)):
        raise DataError("The cell holds control characters", where=where)
    return text


def gender(value: object, where: str) -> Gender | None:
    """Female, Male or Other, from the usual words and letters."""
    text = stated(value)
    if text is None:
        return None
    if text.casefold() not in _GENDERS:
        raise DataError("Unknown gender", where=where, expected=", ".join(_GENDERS))
    return _GENDERS[text.casefold()]


def age(value: object, where: str) -> float | str | None:
    """Years as a number, or a band in one form ("45-64", "65+", "<18"; "45 to 64" is "45-64")."""
    text = stated(value)
    if text is None:
        return None
    try:
        years = float(text)
    except ValueError:
        band = re.sub(r"\s*(?:-|\bto\b)\s*", "-", " ".join(text.translate(_ONE_FORM).split()))
        if _BAND.fullmatch(band):
            limits = [int(number) for number in re.findall(r"\d+", band)]
            nobody = band.startswith("<") and limits == [0]
            if limits == sorted(limits) and limits[-1] <= MAX_AGE and not nobody:
                return band
    else:
        if 0 <= years <= MAX_AGE:
            return abs(years)  # "-0" is 0
    raise DataError(
        "Impossible age", where=where, expected=f'years from 0 to {MAX_AGE} or a band as "45-64"'
    )


def items(value: object, where: str) -> tuple[str, ...] | None:
    """A list of conditions or symptoms, in lower case; () if "none" or "no" is stated.

    Items are separated by `,`, `;` or `|`, or are the elements of a JSON or Parquet list. An
    empty list states nothing: a box that was not ticked is no answer.
    """
    if isinstance(value, (list, tuple)):
        parts = [plain(part) for part in value]
    else:
        parts = [] if is_not_stated(value) else re.split(r"[,;|]", plain(value))
    found = [part.casefold() for part in (_inert(part, where) for part in parts) if part]
    if not found:
        return None
    if len(found) == 1 and found[0] in _NONE:
        return ()
    if any(part in _NONE or is_not_stated(part) for part in found):
        raise DataError(
            'The list says "none" or "unknown" beside other items',
            where=where,
            expected='items, or "none" alone, or an empty cell',
        )
    return tuple(dict.fromkeys(found))


def phrase(value: object, where: str) -> str | None:
    """A short text for the prompt, such as a recording location."""
    text = stated(value)
    return None if text is None else _inert(text, where) or None


def split(value: object, where: str) -> Split | None:
    """The part of a published split that a row is in."""
    text = stated(value)
    if text is None:
        return None
    if text.casefold() not in _SPLITS:
        raise DataError("Unknown split", where=where, expected=", ".join(_SPLITS))
    return _SPLITS[text.casefold()]


def seconds(value: object, where: str) -> float | None:
    """A time from the beginning of a recording, in seconds."""
    text = stated(value)
    if text is None:
        return None
    try:
        time = float(text)
    except ValueError:
        time = math.nan
    if not 0 <= time < math.inf:
        raise DataError("Not a time", where=where, expected="seconds, 0 or more")
    return time


def _inert(text: str, where: str) -> str:
    """`text` without what could imitate another sentence or list item of the prompt."""
    if not text.isprintable():
        text = "".join(c for c in text if c.isspace() or not _is_control(c))
    cleaned = " ".join(text.translate(_PAUSES).split())
    if len(cleaned) > MAX_ITEM_CHARACTERS:
        raise DataError(
            f"An item of {len(cleaned)} characters",
            where=where,
            expected=f"at most {MAX_ITEM_CHARACTERS} characters an item",
        )
    return cleaned


def _is_control(character: str) -> bool:
    return unicodedata.category(character).startswith("C")
