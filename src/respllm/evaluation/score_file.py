"""Every scored clip of a run in one table, so that any statistic can be computed later."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from respllm.errors import DataError
from respllm.evaluation.gathering import ScoredClip
from respllm.types import Split

COLUMNS = ("source", "part", "task", "record", "subject", "clip", "logit", "label")


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """One scored clip, and which model scored it in which part.

    Attributes:
        source: what the model was trained on: task ids joined by "+".
        part: "validation" or "test".
        clip_id: `Clip.clip_id`.
        scored: task, recording, person, score and true answer.
    """

    source: str
    part: Split
    clip_id: str
    scored: ScoredClip


def write_scores(path: Path, rows: Iterable[ScoreRow]) -> None:
    """Write scores as CSV; the file appears when all are there. Numbers keep every digit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    with new.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in rows:
            one = row.scored
            writer.writerow(
                [
                    *(row.source, row.part, one.task_id, one.record_id, one.subject_id),
                    *(row.clip_id, repr(one.logit), one.label),
                ]
            )
    os.replace(new, path)


def read_scores(path: Path) -> list[ScoreRow]:
    """Read what `write_scores` wrote.

    Raises:
        DataError: not there, or not such a table.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            table = csv.DictReader(file)
            if tuple(table.fieldnames or ()) != COLUMNS:  # of an older or newer version
                raise ValueError("columns")
            rows = list(table)
        return [
            ScoreRow(
                row["source"],
                _part(row["part"]),
                row["clip"],
                ScoredClip(
                    row["task"],
                    row["record"],
                    row["subject"],
                    float(row["logit"]),
                    int(row["label"]),
                ),
            )
            for row in rows
        ]
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise DataError(
            f"The scores cannot be read ({type(error).__name__})",
            where=str(path),
            expected=f"a table with exactly the columns {', '.join(COLUMNS)}",
            next_step="run `respllm evaluate` on the run again, or use the version of respllm that "
            "wrote it",
        ) from error


def _part(name: str) -> Split:
    if name == "validation":
        return "validation"
    if name == "test":
        return "test"
    raise ValueError(name)
