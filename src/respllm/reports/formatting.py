"""Numbers and lists as a reader sees them; what is undefined is a dash."""

from __future__ import annotations

from collections.abc import Sequence

DASH = "–"


def number(value: float | None, digits: int = 3) -> str:
    """A fixed number of decimals, with a true minus sign.

    >>> number(0.5), number(-0.01), number(None)
    ('0.500', '−0.010', '–')
    """
    if value is None or value != value:
        return DASH
    text = f"{value:z.{digits}f}"  # z: what rounds to 0 has no sign
    return text.replace("-", "−")


def between(low: float | None, high: float | None, digits: int = 3) -> str:
    """An interval: "0.412 to 0.660"."""
    if low is None or high is None:
        return DASH
    return f"{number(low, digits)} to {number(high, digits)}"


def with_interval(value: float | None, low: float | None, high: float | None) -> str:
    """A value with its interval: "0.675 (0.470 to 0.824)"; without one, the value alone."""
    if value is None or low is None:
        return number(value)
    return f"{number(value)} ({between(low, high)})"


def share(value: float | None) -> str:
    """A share as whole per cent."""
    return DASH if value is None or value != value else f"{100 * value:.0f}%"


def listed(names: Sequence[str]) -> str:
    """Names in a sentence.

    >>> listed(["S7", "T5", "T6"])
    'S7, T5 and T6'
    """
    if len(names) < 2:
        return "".join(names)
    return f"{', '.join(names[:-1])} and {names[-1]}"
