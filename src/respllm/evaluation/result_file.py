"""The rows of a finished test, kept with every digit so that a report can be made of them later."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

from pydantic import TypeAdapter

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
        DataError: not there, not such a file, or of another version.
    """
    try:
        content = path.read_bytes()
        rows = _ROWS.validate_json(content)
        # An entry that no row has would be lost: another version wrote it.
        if _ROWS.dump_python(rows, mode="json") != json.loads(content):
            raise ValueError("entries")
        return rows
    except (OSError, ValueError) as error:  # pydantic's and json's errors are ValueErrors
        raise DataError(
            f"The results cannot be read ({type(error).__name__})",
            where=str(path),
            expected="a file that `respllm evaluate` wrote",
            next_step="run `respllm evaluate` on the run again, or use the version of respllm that "
            "wrote it",
        ) from error
