"""One kind of run against another, on the same test people: paired differences.

python benchmarks/comparing.py --first runs/a-42 --first runs/a-43 --second runs/b-42 --second ...

Of runs that differ in their seed the scores are put side by side; printed are both AUROCs and the
first kind's minus the second's, with 95% intervals by person (docs/statistics.md), for every task
and for the mean of all.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from respllm.evaluation import (
    ScoredUnits,
    mean_auroc,
    mean_difference,
    paired_difference,
    read_scores,
    scored_units,
)
from respllm.inference.scoring import SCORES


def main(
    first: Annotated[list[Path], typer.Option()],
    second: Annotated[list[Path], typer.Option()],
    protocol: str = "clean",
) -> None:
    """Compare."""
    ours, theirs = _scores(first, protocol), _scores(second, protocol)
    table = Table("task", "people", "first", "second", "first - second")
    pairs = []
    for task_id in ours:
        pair = ours[task_id], theirs[task_id]
        pairs.append(pair)
        scores, gain = [mean_auroc(units) for units in pair], paired_difference(*pair)
        table.add_row(
            task_id,
            str(scores[0].n_subjects),
            *(f"{s.value:.3f} ({s.low:.3f}-{s.high:.3f})" for s in scores),
            f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})",
        )
    mean = mean_difference(pairs)
    table.add_row("mean", "", "", "", f"{mean.value:+.3f} ({mean.low:+.3f} to {mean.high:+.3f})")
    Console(width=110).print(table)


def _scores(runs: list[Path], protocol: str) -> dict[str, ScoredUnits]:
    """Of each task the runs' test scores side by side."""
    found = [read_scores(run / "results" / protocol / SCORES) for run in runs]
    tested = [[row for row in rows if row.part == "test"] for rows in found]
    tasks = dict.fromkeys(row.scored.task_id for row in tested[0])
    return {
        task: scored_units(
            [[[row.scored for row in rows if row.scored.task_id == task]] for rows in tested]
        )
        for task in tasks
    }


if __name__ == "__main__":
    typer.run(main)
