"""The table that training, evaluation and demo end with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich import box
from rich.table import Table

from respllm.cli.output import out
from respllm.evaluation import DISCLAIMER

if TYPE_CHECKING:
    from respllm.evaluation import ResultRow
    from respllm.inference import Evaluation


def print_results(evaluation: Evaluation) -> None:
    """Print one row per task, and what must be read beside it."""
    simulated = evaluation.simulated
    rows = evaluation.rows
    protocol = rows[0].protocol if rows else ""
    table = Table(
        title=("SIMULATED data. " if simulated else "") + f"AUROC by task, protocol {protocol}",
        box=box.SIMPLE_HEAD,
        caption="Interval: 95% by subject. Paper: printed in the paper, on real recordings."
        + (" Best: reachable by the exact posterior of the simulation." if simulated else ""),
    )
    for name in ("task", "dataset", "condition", "sound"):
        table.add_column(name, overflow="fold")
    for name in ("records", "subjects", "AUROC", "95% interval"):
        table.add_column(name, justify="right", no_wrap=True)
    if simulated:
        table.add_column("best", justify="right", no_wrap=True)
    table.add_column("paper", justify="right", no_wrap=True)
    role = ""
    for row in sorted(rows, key=lambda row: row.role):
        if role and row.role != role:
            table.add_section()
        role = row.role
        score = row.score
        interval = "–" if score.low is None else f"{score.low:.3f}–{score.high:.3f}"
        cells = [row.task_id, row.dataset, row.condition, row.sound.removesuffix(" sounds")]
        cells += [str(score.n_records), str(score.n_subjects), _three(score.value), interval]
        if simulated:
            cells.append(_three(row.best_reachable))
        cells.append(_three(row.paper))
        table.add_row(*cells, style="" if row.role == "trained" else "cyan")
    out.print(table)
    if not simulated:
        _print_trivial(rows)
    if any(row.role == "zero-shot" for row in rows):
        out.print("Second part: zero-shot, tasks that nothing was learned from.", style="cyan")
    for row in rows:
        notes = "; ".join(filter(None, [row.score.note, row.note]))
        skipped = f"{row.skipped} recordings could not be heard" if row.skipped else ""
        text = "; ".join(filter(None, [skipped, notes]))
        if text:
            out.print(f"{row.task_id}: {text}", highlight=False)
    if simulated and any(row.task_id == "T6" for row in rows):
        out.print("T6 asks about asthma, which nothing was learned of: about 0.5 is expected.")
    if simulated:
        out.print(
            "These people and recordings are made up: the numbers say nothing about patients."
        )
    out.print(DISCLAIMER)


def _print_trivial(rows: Sequence[ResultRow]) -> None:
    names = list(dict.fromkeys(name for row in rows for name in row.trivial))
    table = Table(
        title="Without listening: AUROC of one value alone",
        caption="Older, male, more symptoms and a higher rate speak for the condition.",
        box=box.SIMPLE_HEAD,
    )
    table.add_column("task")
    for name in ("the model", *names):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        alone = [row.trivial[n].value if n in row.trivial else None for n in names]
        table.add_row(row.task_id, *map(_three, [row.score.value, *alone]))
    out.print(table)


def _three(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
