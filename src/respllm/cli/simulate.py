"""`respllm simulate DIR`: write a simulated five-dataset cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from respllm.cli.output import JsonFlag, out, print_json, progress_bar


def simulate(
    directory: Annotated[Path, typer.Argument(help="New or empty folder.")],
    subjects: Annotated[
        int | None, typer.Option(help="People over all five datasets. Default: the demo's.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")] = 0,
    json: JsonFlag = False,
) -> None:
    """Write a simulated cohort in the layouts of the five datasets, with its best AUROCs."""
    from respllm.simulation import DEFAULT_SUBJECTS, simulate_cohort

    with progress_bar("writing recordings") as progress:
        summary = simulate_cohort(
            directory,
            subjects=DEFAULT_SUBJECTS if subjects is None else subjects,
            seed=seed,
            progress=progress,
        )
    if json:
        print_json(summary)
        return
    out.print(
        f"SIMULATED cohort in {directory}: {sum(summary.subjects.values())} "
        f"made-up people, {sum(summary.recordings.values())} recordings.",
        highlight=False,
    )
    out.print(f"Next: respllm data verify {directory}")
