"""`respllm data list`, `fetch` and `verify`: what data there is, getting it, and what is here."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from respllm.cli.output import JsonFlag, out, print_json, progress_bar

if TYPE_CHECKING:
    from respllm.tasks import Verification

app = typer.Typer(help="Datasets and tasks.", no_args_is_help=True)


@app.command("list")
def list_data(json: JsonFlag = False) -> None:
    """List the datasets, their terms, and the tasks made of them."""
    from respllm.datasets import DATASETS
    from respllm.prompts import task_prompt
    from respllm.tasks import builtin_tasks

    if json:
        print_json(
            {
                "datasets": [
                    {
                        "name": d.name,
                        "title": d.title,
                        "licence": d.licence,
                        "citation": d.citation,
                        "url": d.url,
                        "agreement_only": d.agreement_only,
                        "subjects_known": d.subjects_known,
                    }
                    for d in DATASETS.values()
                ],
                "tasks": [
                    {
                        "id": t.id,
                        "role": t.role,
                        "dataset": t.dataset_name,
                        "condition": t.condition_name,
                        "sound": t.sound,
                        "prompt": task_prompt(t),
                    }
                    for t in builtin_tasks().values()
                ],
            }
        )
        return
    table = Table(title="Datasets")
    for name in ("name", "title", "licence", "where"):
        table.add_column(name, overflow="fold")
    for d in DATASETS.values():
        agreement = " (signed agreement)" if d.agreement_only else ""
        table.add_row(d.name, d.title, d.licence + agreement, d.url)
    out.print(table)
    table = Table(title="Tasks: S are learned, T are only tested")
    for name in ("task", "dataset", "condition", "sound"):
        table.add_column(name)
    for t in builtin_tasks().values():
        table.add_row(t.id, t.dataset_name, t.condition_name, t.sound)
    out.print(table)
    out.print("Next: respllm data fetch NAME, or respllm data verify DATA_ROOT.")


@app.command("fetch")
def fetch_data(
    name: Annotated[str, typer.Argument(help="icbhi, kauh, coswara, uk_covid19, ....")],
    to: Annotated[Path, typer.Option(help="Folder with one folder per dataset.")] = Path("data"),
    accept_license: Annotated[
        bool, typer.Option("--accept-license", help="Accept the publisher's terms unasked.")
    ] = False,
) -> None:
    """Fetch a dataset from its publisher and verify it. Interrupted, it goes on where it was."""
    from respllm.cli.data_fetch import fetch_dataset

    fetch_dataset(name, to, accept_license)
    verify_data(to)


@app.command("verify")
def verify_data(
    data_root: Annotated[Path, typer.Argument(help="Folder with one folder per dataset.")],
    json: JsonFlag = False,
) -> None:
    """Say what was found, missing, undecodable and silent, and what each task makes of it."""
    from respllm.tasks import verify

    with progress_bar("decoding recordings") as progress:
        result = verify(data_root, progress)
    if json:
        print_json(result)
        return
    _print_datasets(result)
    _print_tasks(result)
    out.print("Next: respllm train CONFIG --data-root " + str(data_root), highlight=False)


def _print_datasets(result: Verification) -> None:
    table = Table(title="Recordings")
    table.add_column("dataset")
    for name in ("found", "missing", "unusable", "subjects"):
        table.add_column(name, justify="right")
    for report in result.datasets:
        if report.problem:
            table.add_row(report.name, report.problem, "", "", "")
            continue
        table.add_row(
            report.name,
            str(report.found),
            str(len(report.missing)),
            str(len(report.unusable)),
            str(report.subjects),
        )
    out.print(table)
    for report in result.datasets:
        for note in report.notes:
            out.print(f"{report.name}: {note}", highlight=False)
        for record_id, reason in report.unusable.items():
            out.print(f"{record_id}: {reason}", style="yellow", highlight=False)


def _print_tasks(result: Verification) -> None:
    table = Table(
        title="Tasks: recordings, negative/positive (people)",
        caption="index: counts of the published index, needs no audio. Table 1: the paper's, "
        "train with validation.",
    )
    for name in ("task", "protocol", "train", "validation", "test", "index", "Table 1"):
        table.add_column(name)
    for task in result.tasks:
        index = (
            ""
            if task.index is None
            else "; ".join(
                f"{split} {negative}/{positive}"
                for split, (negative, positive) in task.index.items()
            )
        )
        train = "–" if task.table1_train is None else str(task.table1_train)
        cells = [
            "" if not part.clips else f"{part.negative}/{part.positive} ({part.subjects})"
            for part in task.parts.values()
        ] or [task.problem, "", ""]
        table.add_row(task.task_id, task.protocol, *cells, index, f"{train} / {task.table1_test}")
    out.print(table)
    for task in result.tasks:
        for note in task.notes:
            out.print(f"{task.task_id}, {task.protocol}: {note}", style="dim", highlight=False)
