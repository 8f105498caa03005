"""Small tables for the tests of this room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from respllm.config import parse
from respllm.datasets.table import TableContents, TableSource, read_table
from respllm.types import Dms

Rows = list[dict[str, Any]]


def record_audio(folder: Path, rows: Rows) -> None:
    """A different file for every name; the table's module reads bytes, not sound."""
    for row in rows:
        if row.get("audio"):
            (folder / row["audio"]).write_bytes(row["audio"].encode())


def write_csv(folder: Path, rows: Rows) -> Path:
    record_audio(folder, rows)
    path = folder / "cohort.csv"
    pd.DataFrame(rows).to_csv(path, index=False)
    return path


def read(folder: Path, **settings: Any) -> TableContents:
    source = parse({"table": "cohort.csv", **settings}, TableSource, where="task.yaml")
    return read_table(source, dataset="own", sound_type="cough", label="flu", base=folder)


def read_one(folder: Path, row: dict[str, Any], **settings: Any) -> Dms:
    write_csv(folder, [{"audio": "a.wav", "label": 1, **row}])
    return read(folder, **settings).rows[0].record.dms


FULL = {
    "audio": "a.wav",
    "person": "p1",
    "label": "yes",
    "gender": "F",
    "age": "63.0",
    "medical_history": "Asthma; COPD",
    "symptoms": "none",
    "recording_location": "left  chest",
}
