"""Answers that no patient gives, to be looked for wherever they must not be."""

from __future__ import annotations

import traceback

WORD = "Zqxsentinel"
YEARS = "7391.625"
VALUES = (WORD, YEARS, f"none, {WORD}", f"{WORD} " * 40)
"""Free words, a number that is no age, a contradictory list, and more than an item may hold."""


def leaks(text: str) -> bool:
    """Whether a sentinel stands in a text, a number also with fewer digits."""
    folded = text.casefold()
    return WORD.casefold() in folded or YEARS[:6] in folded


def told(error: BaseException) -> str:
    """All that a log with the traceback would hold of an error."""
    return "".join(traceback.format_exception(error))
