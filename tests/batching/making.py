"""Examples for the tests of batching."""

from __future__ import annotations

from pathlib import Path

from respllm.types import Clip, Dms, Example, Record


def an_example(
    task: str = "S7",
    subject: str = "a",
    label: int | None = 1,
    *,
    path: Path = Path("a.wav"),
    prompt: str = "Listen.",
    dms: str = "Age: 65.",
    start: float = 0.0,
) -> Example:
    record = Record(f"test/{path.stem}", f"test/{subject}", "test", "lung", path, Dms())
    return Example(task, Clip(record, start), prompt, dms, label)
