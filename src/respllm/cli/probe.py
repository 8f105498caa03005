"""`respllm probe ENCODER`: what a linear model can read from an encoder's tokens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from respllm.cli.loading import libraries
from respllm.cli.opening import DataRoot
from respllm.cli.output import JsonFlag, out, print_json, progress_bar

if TYPE_CHECKING:
    from respllm.pretraining.probing import ProbeResult, ProbeRow


def probe(
    encoder: Annotated[
        str, typer.Argument(help="Registry name, or the folder of a `respllm pretrain audio`.")
    ],
    data_root: DataRoot,
    task: Annotated[
        list[str] | None, typer.Option(help="One question only; may be repeated. Default: all.")
    ] = None,
    own: Annotated[
        list[Path] | None, typer.Option("--task-file", help="A task file of your own.")
    ] = None,
    final: Annotated[
        bool,
        typer.Option(
            help="Also ask about people held out for the end (KAUH, ICBHI's test part, the call "
            "centre's coughs). Choose nothing afterwards."
        ),
    ] = False,
    seeds: Annotated[int, typer.Option(min=1, help="Divisions into folds, averaged.")] = 3,
    json: JsonFlag = False,
) -> None:
    """Probe an encoder on every task at hand: logistic regression on token statistics.

    People are in one fold each, the penalty is chosen within the training folds. Beside it stand
    log-mel statistics, the encoder without weights and an untrained one, with paired intervals.
    """
    with libraries():
        from respllm.pretraining.probing import open_encoder
        from respllm.pretraining.probing import probe as run
        from respllm.simulation import is_simulated
        from respllm.tasks import get_task

    opened, learned = open_encoder(encoder)
    with progress_bar("hearing clips") as progress:
        result = run(
            opened,
            data_root,
            tasks=task or (),
            own=[get_task(path) for path in own or ()],
            final=final,
            seeds=seeds,
            learned=learned,
            progress=progress,
        )
    if json:
        print_json(result)
        return
    print_probe(result, simulated=is_simulated(data_root))


def print_probe(result: ProbeResult, *, simulated: bool) -> None:
    """Print one row per question, and what must be read beside it."""
    from rich import box
    from rich.table import Table

    from respllm.evaluation import DISCLAIMER
    from respllm.pretraining.probing import BASELINES

    table = Table(
        title=("SIMULATED data. " if simulated else "") + f"Linear probes of {result.encoder}",
        box=box.SIMPLE_HEAD,
        caption="AUROC, and how much more it is than a baseline's; 95% intervals by subject, "
        f"paired, {result.seeds} divisions into folds.",
    )
    table.add_column("question", overflow="fold")
    for name in ("people", "AUROC", "95% interval", *(f"more than {b}" for b in BASELINES)):
        table.add_column(name, justify="right")
    for row in result.rows:
        table.add_row(*_cells(row), style="cyan" if row.final else "")
    out.print(table)
    if any(row.final for row in result.rows):
        out.print("Coloured: people held out for the end.", style="cyan")
    for row in result.rows:
        for note in _notes(row):
            out.print(f"{row.id}: {note}", highlight=False)
    out.print(DISCLAIMER, style="dim")


def _cells(row: ProbeRow) -> list[str]:
    if row.score is None or row.score.value is None:
        return [f"{row.id}: {row.title}", *["–"] * 3, *["–"] * len(row.versus or range(3))]
    score = row.score
    gains = [
        "–"
        if one.value is None or one.low is None or one.high is None
        else f"{one.value:+.3f} ({one.low:+.3f} to {one.high:+.3f}) of {one.auroc.value:.3f}"
        for one in row.versus
    ]
    return [
        f"{row.id}: {row.title}",
        f"{score.n_subjects}",
        f"{score.value:.3f}",
        f"{score.low:.3f}–{score.high:.3f}",
        *gains,
    ]


def _notes(row: ProbeRow) -> list[str]:
    notes = [row.note] if row.note else []
    if row.score is not None and row.score.note:
        notes.append(row.score.note)
    if row.skipped:
        notes.append(f"{row.skipped} clips could not be heard")
    if row.heard is None and row.score is not None:
        notes.append("whether pretraining heard these people is not known")
    if row.heard:
        notes.append(f"pretraining heard {row.heard} of these recordings, without their answers")
    return notes
