"""The figures that the paper prints, to stand beside ours."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from respllm.errors import ConfigError, unknown_name


@dataclass(frozen=True, slots=True)
class PaperCounts:
    """One task's row of Table 1; `train` includes validation and is None for target tasks."""

    train: int | None
    test: int


def paper_auroc(task_id: str, model: str = "RespLLM", table: int | None = None) -> float | None:
    """The AUROC printed for a task.

    Args:
        task_id: "S1" to "S7", "T1" to "T6", or the paper's averages "avg" and "avg_T1_T5". Table
            7's averages differ slightly from the means of its rows; they are as printed.
        model: as printed ("RespLLM", "Fusion-soft", "OpenBioLLM-8B", ...).
        table: 2 to 7; by default the first that prints this model and task.

    Returns:
        None where the paper prints nothing (your own task, or a baseline on T6).

    Raises:
        ConfigError: no table prints this model.
    """
    models = dict.fromkeys(name for _, name, _ in _aurocs())
    if model not in models:
        raise ConfigError(unknown_name("model of the paper", model, models))
    found = [
        value
        for (number, name, task), value in _aurocs().items()
        if name == model and task == task_id and table in (None, number)
    ]
    return found[0] if found else None


def paper_counts(task_id: str) -> PaperCounts | None:
    """Recordings that Table 1 counts for a task; None for a task the paper does not have."""
    return _counts().get(task_id)


@cache
def _aurocs() -> dict[tuple[int, str, str], float]:
    return {
        (int(row["table"]), row["model"], row["task"]): float(row["auroc"])
        for row in _rows("paper_tables.csv")
    }


@cache
def _counts() -> dict[str, PaperCounts]:
    return {
        row["task"]: PaperCounts(int(row["train"]) if row["train"] else None, int(row["test"]))
        for row in _rows("paper_table1.csv")
    }


def _rows(name: str) -> list[dict[str, str]]:
    text = files("respllm.evaluation").joinpath("tables", name).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
