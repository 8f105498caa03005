"""Errors a user can act on: what went wrong, where, what was expected and what to do next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_SHOWN_NAMES = 50
_SHOWN_CHARACTERS = 100


class RespllmError(ValueError):
    """Base of every error that respllm raises for a user to read.

    Args:
        what: what is wrong, with the offending value.
        where: the file, row, key or argument it was found in.
        expected: what would have been accepted.
        next_step: what the user can do about it.
    """

    def __init__(
        self,
        what: str,
        *,
        where: str | None = None,
        expected: str | None = None,
        next_step: str | None = None,
    ) -> None:
        self.what = what
        self.where = where
        self.expected = expected
        self.next_step = next_step
        parts = [what.rstrip(".") + "."]
        if where:
            parts.append(f"Where: {where.rstrip('.')}.")
        if expected:
            parts.append(f"Expected: {expected.rstrip('.')}.")
        if next_step:
            parts.append(f"Next: {next_step.rstrip('.')}.")
        super().__init__(" ".join(parts))


class AudioError(RespllmError):
    """A recording that cannot be decoded or carries no usable sound."""


class DataError(RespllmError):
    """A dataset folder, table or code that does not look as its publisher describes it."""


class ConfigError(RespllmError):
    """A run file, task file or argument that cannot be used as it stands."""


class CheckpointError(RespllmError):
    """Weights that are missing, damaged or belong to another model."""


class SafetyError(RespllmError):
    """A request refused because its answer could be mistaken for a medical finding."""


def unknown_name(kind: str, value: object, available: Iterable[str]) -> str:
    """Say that `value` is no known `kind`, with the nearest known names first.

    >>> unknown_name("task", "s7", ["S7", "T5"])
    "Unknown task 's7'. Did you mean 'S7'? Available: S7, T5"
    """
    return _unknown(f"{kind} {_shown(value)!r}", value, available)


def unknown_answer(kind: str, value: object, available: Iterable[str]) -> str:
    """As `unknown_name`, without repeating a value that a patient may have given.

    >>> unknown_answer("gender", "femal", ["Female", "Male"])
    "Unknown gender. Did you mean 'Female'? Available: Female, Male"
    """
    return _unknown(kind, value, available)


def _unknown(what: str, value: object, available: Iterable[str]) -> str:
    names = [str(name) for name in available]
    folded = {_shown(name).lower(): name for name in reversed(names)}
    near = difflib.get_close_matches(_shown(value).lower(), list(folded), n=2, cutoff=0.6)
    hint = f" Did you mean {' or '.join(repr(_shown(folded[n])) for n in near)}?" if near else ""
    listed = ", ".join(map(_shown, names[:_SHOWN_NAMES]))
    more = f" and {len(names) - _SHOWN_NAMES} more" if len(names) > _SHOWN_NAMES else ""
    return f"Unknown {what}.{hint} Available: {listed}{more}"


def _shown(value: object) -> str:
    return str(value)[:_SHOWN_CHARACTERS]
