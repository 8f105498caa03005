"""The table a run ends with: one typed row a task, as a data frame or as Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import TYPE_CHECKING, Literal

from respllm.types import ProtocolName, Score, Split

if TYPE_CHECKING:
    import pandas as pd

Role = Literal["trained", "zero-shot"]
DISCLAIMER = "Research software: not a medical device, no number here is a diagnosis."


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One model on one part of one task.

    Attributes:
        task_id, dataset, condition, sound: what was asked of what.
        role: whether the task's training part was learned.
        split: the part that was scored.
        protocol: the data choices; never mixed in one table.
        score: AUROC, interval and counts.
        best_reachable: AUROC of the exact posterior, known only for a simulated cohort.
        paper: the figure the paper prints for this task.
        trivial: name -> score of each predictor that does not listen.
        skipped: recordings that could not be scored.
        note: what a reader must know beside the number, besides the score's own note.
    """

    task_id: str
    dataset: str
    condition: str
    sound: str
    role: Role
    split: Split
    protocol: ProtocolName
    score: Score
    best_reachable: float | None = None
    paper: float | None = None
    trivial: Mapping[str, Score] = field(default_factory=dict)
    skipped: int = 0
    note: str = ""


def rows_to_frame(rows: Sequence[ResultRow]) -> pd.DataFrame:
    """One line a row, numbers unrounded, undefined ones missing; `trivial_<name>` columns.

    Raises:
        ValueError: rows of two protocols.
    """
    import pandas as pd

    _one_protocol(rows)
    return pd.DataFrame([_flat(row, _trivial_names(rows)) for row in rows])


def rows_to_markdown(rows: Sequence[ResultRow], title: str, simulated: bool) -> str:
    """The table as Markdown: trained tasks, zero-shot tasks, and the mean of each.

    A mean stands there only where at least two rows of one role and split are all defined; it is
    of AUROCs and has no interval.

    Args:
        rows: of one protocol.
        title: heading, without "simulated".
        simulated: whether the scored recordings are simulated; heading and foot then say so.

    Raises:
        ValueError: rows of two protocols.
    """
    protocol = _one_protocol(rows)
    names = _trivial_names(rows)
    ordered = [row for role in ("trained", "zero-shot") for row in rows if row.role == role]
    header = [
        *("Task", "Dataset", "Condition", "Sound", "Role", "Split", "Records"),
        *("Subjects (1/0)", "AUROC", "95% interval", "Best reachable", "Paper"),
        *(_alone(name) for name in names),
        *("Skipped", "Note"),
    ]
    body = [*(_cells(row, names) for row in ordered), *_means(ordered, names)]
    lines = [
        f"# SIMULATED: {title}" if simulated else f"# {title}",
        "",
        _line(header),
        _line(["---"] * len(header)),
        *(_line(cells.get(column, "") for column in header) for cells in body),
        "",
        *_foot(ordered, protocol, simulated),
    ]
    return "\n".join(lines) + "\n"


def _one_protocol(rows: Sequence[ResultRow]) -> ProtocolName | None:
    protocols = sorted({row.protocol for row in rows})
    if len(protocols) > 1:
        raise ValueError(f"one table holds one protocol, got rows of {' and '.join(protocols)}")
    return protocols[0] if protocols else None


def _trivial_names(rows: Iterable[ResultRow]) -> list[str]:
    return list(dict.fromkeys(name for row in rows for name in row.trivial))


def _flat(row: ResultRow, names: Iterable[str]) -> dict[str, object]:
    score = row.score
    return {
        "task": row.task_id,
        "dataset": row.dataset,
        "condition": row.condition,
        "sound": row.sound,
        "role": row.role,
        "split": row.split,
        "protocol": row.protocol,
        "records": score.n_records,
        "subjects": score.n_subjects,
        "positive_subjects": score.n_positive,
        "negative_subjects": score.n_negative,
        "unit": score.unit,
        "auroc": score.value,
        "low": score.low,
        "high": score.high,
        "interval": score.method,
        "best_reachable": row.best_reachable,
        "paper": row.paper,
        **{f"trivial_{name.replace(' ', '_')}": _value(row, name) for name in names},
        "skipped": row.skipped,
        "note": _note(row),
    }


def _alone(name: str) -> str:
    return f"{name.capitalize()} alone"


def _value(row: ResultRow, name: str) -> float | None:
    return row.trivial[name].value if name in row.trivial else None


def _note(row: ResultRow) -> str:
    return "; ".join(filter(None, [row.score.note, row.note]))


def _cells(row: ResultRow, names: Iterable[str]) -> dict[str, str]:
    score = row.score
    return {
        "Task": row.task_id,
        "Dataset": row.dataset,
        "Condition": row.condition,
        "Sound": row.sound,
        "Role": row.role,
        "Split": row.split,
        "Records": str(score.n_records),
        "Subjects (1/0)": f"{score.n_subjects} ({score.n_positive}/{score.n_negative})",
        "AUROC": _number(score.value),
        "95% interval": "–"
        if score.low is None
        else f"{_number(score.low)} to {_number(score.high)}",
        "Best reachable": _number(row.best_reachable),
        "Paper": _number(row.paper),
        **{_alone(name): _number(_value(row, name)) for name in names},
        "Skipped": str(row.skipped),
        "Note": _note(row),
    }


def _means(rows: Sequence[ResultRow], names: Sequence[str]) -> Iterable[dict[str, str]]:
    groups = dict.fromkeys((row.role, row.split) for row in rows)
    for role, split in groups:
        group = [row for row in rows if (row.role, row.split) == (role, split)]
        if len(group) < 2:
            continue
        yield {
            "Task": f"mean of {len(group)}",
            "Role": role,
            "Split": split,
            "AUROC": _mean(row.score.value for row in group),
            "Best reachable": _mean(row.best_reachable for row in group),
            "Paper": _mean(row.paper for row in group),
            **{_alone(name): _mean(_value(row, name) for row in group) for name in names},
        }


def _mean(values: Iterable[float | None]) -> str:
    found = list(values)
    defined = [value for value in found if value is not None]
    return _number(fmean(defined) if len(defined) == len(found) else None)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _line(cells: Iterable[str]) -> str:
    inert = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(inert)} |"


def _foot(
    rows: Sequence[ResultRow], protocol: ProtocolName | None, simulated: bool
) -> Iterable[str]:
    if not rows:
        yield "No task was scored."
        yield ""
    else:
        units = sorted({row.score.unit for row in rows})
        methods = sorted({row.score.method for row in rows})
        yield (
            f"Protocol: {protocol}. One score per {' or '.join(units)}. "
            f"Interval: {'; '.join(methods)}."
        )
        yield ""
    if _trivial_names(rows):
        yield (
            "Alone: AUROC of one value without listening; older, male, more symptoms and a higher "
            "rate speak for 1, and below 0.5 the opposite holds."
        )
        yield ""
    if simulated:
        yield (
            "SIMULATED: every person and every recording behind these numbers is made up. They say "
            "nothing about patients; the paper's figures are of real recordings."
        )
        yield ""
    yield DISCLAIMER
