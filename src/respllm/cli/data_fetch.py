"""`respllm data fetch`: show the terms, ask, and fetch with a progress bar."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from respllm.cli.output import err, out
from respllm.errors import ConfigError, DataError, unknown_name

if TYPE_CHECKING:
    from respllm.datasets import Dataset
    from respllm.datasets.fetching import FetchPlan
    from respllm.datasets.fetching.remote import Progress


def fetch_dataset(name: str, data_root: Path, accepted: bool) -> None:
    """Fetch one dataset into `data_root/name`.

    Args:
        accepted: the publisher's terms are accepted without asking.

    Raises:
        RespllmError: an unknown name, terms that were not accepted, a fetch that failed.
        typer.Exit: a dataset under agreement that is not here (it says how to ask for it).
    """
    from respllm.datasets import DATASETS
    from respllm.datasets.fetching import AGREEMENT, SOURCES, Connection, fetch, plan_fetch

    if name not in DATASETS:
        raise DataError(unknown_name("dataset", name, DATASETS))
    dataset = DATASETS[name]
    if name not in SOURCES:
        folder = data_root / name
        out.print(AGREEMENT.format(folder=folder, layout=dataset.layout), highlight=False)
        if not folder.is_dir():
            raise typer.Exit(2)
        return
    connection = Connection()
    with err.status(f"asking {SOURCES[name].page}"):
        plan = plan_fetch(dataset, SOURCES[name], data_root, connection)
    if plan.listing is None:
        fetch(plan, connection)
        out.print(f"{dataset.title} is here already: {plan.folder}", highlight=False)
        return
    _show(dataset, plan)
    if not (accepted or plan.record is not None):
        _ask(dataset)
    with bytes_bar() as progress:
        done = fetch(plan, connection, progress)
    for note in done.notes:
        out.print(f"{name}: {note}", style="yellow", highlight=False)
    out.print(f"Fetched {dataset.title} into {plan.folder}; checksums: FETCHED.json there.")


def _show(dataset: Dataset, plan: FetchPlan) -> None:
    size = "unknown: the publisher does not say" if plan.total is None else _gigabytes(plan.total)
    lines = {
        "Dataset": dataset.title,
        "Source": plan.source.page,
        "Size": size,
        "To fetch": _gigabytes(plan.left) if plan.total is not None else "what is missing",
        "Disk": f"about {_gigabytes(plan.needed)} while unpacking" if plan.needed else "unknown",
        "Licence": dataset.licence,
        "Cite": dataset.citation,
        "Folder": str(plan.folder),
    }
    for label, value in lines.items():
        out.print(f"{label + ':':10}{value}", highlight=False)


def _ask(dataset: Dataset) -> None:
    if not sys.stdin.isatty():
        raise ConfigError(
            f"The terms of {dataset.title} were not accepted: {dataset.licence}",
            where="respllm data fetch",
            next_step=f"read {dataset.url}, then add --accept-license",
        )
    question = f"These are recordings of people. Do you accept the terms ({dataset.licence})?"
    if not typer.confirm(question):
        raise ConfigError(
            f"The terms of {dataset.title} were not accepted", next_step="nothing was fetched"
        )


def _gigabytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 10**8 else f"{count / 1e6:.1f} MB"


@contextmanager
def bytes_bar() -> Iterator[Progress]:
    """A bar of bytes on the terminal, or nothing where there is none."""
    if not err.is_terminal:
        yield lambda what, done, total: None
        return
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TaskID,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=err, transient=True) as bar:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                for other in tasks.values():
                    bar.remove_task(other)
                tasks.clear()
                # What an earlier call left is no speed of this one.
                tasks[what] = bar.add_task(what, total=total, completed=done)
            bar.update(tasks[what], completed=done, total=total)

        yield show
