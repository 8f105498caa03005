"""What is no valid result."""

from __future__ import annotations


class InvalidError(Exception):
    """A result that should have been an error."""


def check(holds: object, what: str) -> None:
    if not holds:
        raise InvalidError(what)
