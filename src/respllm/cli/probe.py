"""`respllm probe ENCODER`: what a linear model can read from an encoder's tokens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from respllm.cli.loading import libraries
from respllm.cli.opening import DataRoot
from respllm.cli.output import JsonFlag, out, print_json, progress_bar

if TYPE_CHECKING:
    from rich.table import Table

    from respllm.pretraining.probing import ProbeResult, ProbeRow
    from respllm.types import Score


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
    out_folder: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Where looks.jsonl goes, with a line for each question that --final adds. "
            "Default: beside the encoder's folder; the current folder for a registry name.",
        ),
    ] = None,
    people: Annotated[
        list[int] | None,
        typer.Option(
            help="Learning curve: learn from this many labelled people too; may be repeated."
        ),
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Divisions into folds, averaged.")] = 3,
    json: JsonFlag = False,
) -> None:
    """Probe an encoder on every task at hand: logistic regression on token statistics.

    People are in one fold each, the penalty is chosen within the training folds. Beside it stand
    log-mel statistics (by logistic regression and by a random forest), the encoder without weights
    and an untrained one, with paired intervals.
    """
    with libraries():
        from respllm.pretraining.probing import encoder_folder, open_encoder
        from respllm.pretraining.probing import probe as run
        from respllm.simulation import is_simulated
        from respllm.tasks import get_task

    opened = open_encoder(encoder)
    folder = encoder_folder(encoder)
    with progress_bar("hearing clips") as progress:
        result = run(
            opened,
            data_root,
            tasks=task or (),
            own=[get_task(path) for path in own or ()],
            final=final,
            seeds=seeds,
            people=people or (),
            out=out_folder or (Path() if folder is None else folder.resolve().parent),
            progress=progress,
        )
    if json:
        print_json(result)
        return
    print_probe(result, simulated=is_simulated(data_root))
    if result.looks is not None:
        out.print(f"Looks written down: {result.looks}", highlight=False)


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
    if any(row.curve for row in result.rows):
        out.print(_curves(result, simulated=simulated))
    if any(row.final for row in result.rows):
        out.print("Coloured: people held out for the end.", style="cyan")
    for row in result.rows:
        for note in _notes(row, result.people):
            out.print(f"{row.id}: {note}", highlight=False)
    out.print(DISCLAIMER, style="dim")


def _curves(result: ProbeResult, *, simulated: bool) -> Table:
    """AUROC by number of labelled people: of each question the encoder, then the log-mel."""
    from rich import box
    from rich.table import Table

    from respllm.pretraining.probing import LOG_MEL

    table = Table(
        title=("SIMULATED data. " if simulated else "") + "AUROC by labelled people learned from",
        box=box.SIMPLE_HEAD,
        caption="The same people are asked whatever their number; 95% intervals by subject, "
        f"{result.seeds} divisions into folds. –: a fold has no more people than that.",
    )
    for name in ("question", "features"):
        table.add_column(name, overflow="fold")
    for number in result.people:
        table.add_column(f"{number} people", justify="right")
    table.add_column("all of a fold", justify="right")
    for row in result.rows:
        if not row.curve:
            continue
        own = {point.people: point.score for point in row.curve}
        other = {point.people: point.versus.auroc for point in row.curve}
        whole = {one.baseline: one.auroc for one in row.versus}
        for name, found, last in (
            (result.encoder, own, row.score),
            (LOG_MEL, other, whole[LOG_MEL]),
        ):
            scores = (*(found.get(number) for number in result.people), last)
            first = row.id if found is own else ""
            style = "cyan" if row.final else ""
            table.add_row(first, name, *(_interval(score) for score in scores), style=style)
    return table


def _interval(score: Score | None) -> str:
    if score is None or score.value is None:
        return "–"
    return f"{score.value:.3f} ({score.low:.3f}–{score.high:.3f})"


def _cells(row: ProbeRow) -> list[str]:
    from respllm.pretraining.probing import BASELINES

    if row.score is None or row.score.value is None:
        return [f"{row.id}: {row.title}", *["–"] * 3, *["–"] * len(BASELINES)]
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


def _notes(row: ProbeRow, people: tuple[int, ...]) -> list[str]:
    notes = [row.note] if row.note else []
    if row.score is not None and row.score.note:
        notes.append(row.score.note)
    if people and row.score is not None and not row.curve:
        notes.append("no curve: other people are asked, or a fold has no more people than that")
    if row.skipped:
        notes.append(f"{row.skipped} clips could not be heard")
    if row.heard is None and row.score is not None:
        notes.append("whether pretraining heard these people is not known")
    if row.heard:
        notes.append(f"pretraining heard {row.heard} of these recordings, without their answers")
    return notes
