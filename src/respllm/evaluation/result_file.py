"""The rows of a finished test, kept with every digit so that a report can be made of them later."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from respllm.errors import DataError
from respllm.evaluation.table import ResultRow

_ROWS = TypeAdapter(tuple[ResultRow, ...])


def write_rows(path: Path, rows: Sequence[ResultRow]) -> None:
    """Write rows as JSON; the file is the old or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    new.write_bytes(_ROWS.dump_json(tuple(rows), indent=2) + b"\n")
    os.replace(new, path)


def read_rows(path: Path) -> tuple[ResultRow, ...]:
    """Read what `write_rows` wrote.

    Raises:
        DataError: not there, or not such a file.
    """
    try:
        return _ROWS.validate_json(path.read_bytes())
    except (OSError, ValidationError) as error:
        raise DataError(
            f"The results cannot be read ({type(error).__name__})",
            where=str(path),
            expected="a file that `respllm evaluate` wrote",
            next_step="run `respllm evaluate` on the run again",
        ) from error
