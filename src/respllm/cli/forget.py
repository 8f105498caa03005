"""`respllm forget SUBJECT...`: remove people from what was kept and from all that comes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from respllm.cli.loading import libraries
from respllm.cli.opening import DataRoot
from respllm.cli.output import JsonFlag, err, out, print_json

if TYPE_CHECKING:
    from respllm.removal import Forgotten
    from respllm.tasks import Task


def forget(
    subjects: Annotated[
        list[str],
        typer.Argument(help="Subjects' ids, as in tables of predictions (icbhi/101)."),
    ],
    data_root: DataRoot,
    run: Annotated[
        list[Path] | None,
        typer.Option(help="Folder of a run or study, or of many; may be repeated."),
    ] = None,
    predictions: Annotated[
        list[Path] | None, typer.Option(help="Table of predictions; may be repeated.")
    ] = None,
    task: Annotated[
        list[Path] | None, typer.Option(help="Task file of your own table; may be repeated.")
    ] = None,
    reason: Annotated[str, typer.Option(help="Kept in the record.")] = "",
    json: JsonFlag = False,
) -> None:
    """Remove people from the cache, from results, and from every later training and test.

    Recordings themselves are not touched: delete them where they lie.
    """
    with libraries():
        from respllm.removal import forget as forget_one
        from respllm.tasks import get_task

    folders = run or []
    tasks = [get_task(path) for path in task or []]
    tasks += [one for folder in folders for one in _own_tables(folder)]
    done = [
        forget_one(
            subject,
            data_root,
            tasks=tasks,
            folders=folders,
            files=predictions or [],
            reason=reason,
        )
        for subject in dict.fromkeys(subjects)
    ]
    if json:
        print_json(done)
        return
    for one in done:
        _print(one)


def _own_tables(folder: Path) -> Iterator[Task]:
    """The tasks with own tables of all runs and studies under a folder, where they still are."""
    from respllm.comparisons import study
    from respllm.errors import RespllmError
    from respllm.tasks import get_task
    from respllm.training import RunFolder

    found: dict[Path, Task] = {}
    for path in sorted(folder.rglob("*.yaml")):
        try:
            if path.name == "config.yaml":
                kept = RunFolder(path.parent)
                config, place = kept.read_config(), kept.task_folder()
            elif path.name == study.CONFIG:
                config = study.read_config(path.parent)
                place = study.read_record(path.parent).task_folder
            else:
                continue
        except RespllmError:  # a run that never began, or that another version wrote
            continue
        for name in (*config.tasks.train, *config.tasks.test):
            file = place / name
            if str(name).endswith((".yaml", ".yml")) and file.resolve() not in found:
                try:
                    found[file.resolve()] = get_task(name, place)
                except RespllmError as error:
                    err.print(f"note: {error} Its table was not looked at.", highlight=False)
    yield from (one for one in found.values() if one.table is not None)


def _print(one: Forgotten) -> None:
    out.print(
        f"{one.subject}: left out of every later training and test"
        + (" (as before)" if one.listed else ""),
        style="bold",
        highlight=False,
    )
    out.print(
        f"deleted: {one.tokens} sets of audio tokens, {one.facts} facts about files, "
        f"{sum(one.rows.values())} rows of results",
        highlight=False,
    )
    for path, count in one.rows.items():
        out.print(f"  {path}: {count} rows", highlight=False)
    if one.shared:
        out.print(
            f"kept: what was computed of {', '.join(one.shared)}, because another person has the "
            "same sound",
            highlight=False,
        )
    for run in one.learned:
        out.print(
            f"{run} learned from this person, and weights do not forget: train it again with "
            "another --out, and delete it",
            style="yellow",
            highlight=False,
        )
    for path in one.naming:
        out.print(
            f"{path} still names this person or a recording: make it again, or delete it",
            style="yellow",
            highlight=False,
        )
    for problem in one.problems:
        out.print(problem, style="yellow", highlight=False)
    if one.recordings:
        out.print(f"{one.recordings} recordings lie where they were: delete them there if you must")
    out.print(f"Record: {one.record}", highlight=False)
