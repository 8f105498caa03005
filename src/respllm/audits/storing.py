"""An audit's result as JSON, read back exactly or not at all."""

from __future__ import annotations

import json
import os
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from respllm.audits.results import AuditResult
from respllm.errors import DataError


def write_audit(path: Path, result: AuditResult) -> None:
    """Write a result; the file appears when all of it is there. Numbers keep every digit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    content = TypeAdapter(AuditResult).dump_python(result, mode="json")
    text = json.dumps(content, indent=2, allow_nan=False, ensure_ascii=False)
    new.write_text(text + "\n", encoding="utf-8")
    os.replace(new, path)


def read_audit(path: Path) -> AuditResult:
    """Read what `write_audit` wrote.

    Raises:
        DataError: not there, damaged, or with unknown, missing or mistyped entries.
    """
    adapter = TypeAdapter(AuditResult)
    try:
        text = path.read_text(encoding="utf-8")
        result = adapter.validate_json(text, strict=True)
        # An entry that no row has is not read, so it would be missing from what is written.
        if adapter.dump_python(result, mode="json") != json.loads(text):
            raise ValueError("it has entries that no audit writes")
    except (OSError, ValueError) as error:  # pydantic's and json's errors are ValueErrors
        raise DataError(
            f"The audit cannot be read: {_reason(error)}",
            where=str(path),
            expected="what `respllm audit` wrote with this version",
            next_step="run `respllm audit` again",
        ) from error
    return result


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return f"{place or 'its content'}: {first['msg']}"
    return str(error)
