"""`respllm train CONFIG`: learn a run's training tasks, then test it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from respllm.cli.loading import libraries
from respllm.cli.opening import DataRoot, Strict
from respllm.cli.output import JsonFlag, err, out, plain, print_json, progress_bar

if TYPE_CHECKING:
    from respllm.config import RunConfig


def train(
    config: Annotated[Path, typer.Argument(help="Run file (YAML); see configs/.")],
    data_root: DataRoot,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Run folder. Default: runs/<name>.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with an interrupted run.")] = False,
    strict: Strict = False,
    test: Annotated[bool, typer.Option(help="Test the best model at the end.")] = True,
    json: JsonFlag = False,
) -> None:
    """Train ONE model on all training tasks of a run, then test it on held-out people."""
    with libraries():
        from accelerate import PartialState

        from respllm.cli.evaluate import evaluate_run
        from respllm.cli.results import print_results
        from respllm.config import RunConfig, read_yaml
        from respllm.training import train as train_run

    run = located(read_yaml(config, RunConfig), config.parent)
    folder = out_folder or Path("runs") / run.name
    with progress_bar("hearing recordings") as progress:
        summary = train_run(
            run,
            data_root,
            folder,
            task_folder=config.parent,
            resume=resume,
            strict=strict,
            console=err,
            progress=progress,
        )
    if not PartialState().is_main_process:
        return
    if not json:
        best = (
            "no validation"
            if summary.validation_auroc is None
            else (f"validation AUROC {summary.validation_auroc:.3f}")
        )
        out.print(
            f"Trained {summary.steps} steps in {summary.seconds:.0f} s; kept step "
            f"{summary.best_step} ({best}); {summary.skipped} clips could not be heard.",
            highlight=False,
        )
        for note in () if test else summary.notes:  # else they stand under the results
            out.print(note, style="dim", highlight=False)
    evaluation = evaluate_run(folder, data_root, strict=strict) if test else None
    if json:
        rows = evaluation.rows if evaluation else ()
        print_json({"training": plain(summary), "results": plain(rows)})
        return
    if evaluation is not None:
        print_results(evaluation)
        out.print(f"Results: {evaluation.folder}", highlight=False)
    out.print(f"Next: respllm predict RECORDING --run {folder} --task {_some_task(folder)}")


def located(run: RunConfig, folder: Path) -> RunConfig:
    """Paths in a run file start where it lies, like those of its task files."""

    def here(path: Path | None) -> Path | None:
        # What is not there may be a hub id, or be complained about under the name it was given.
        return (folder / path).resolve() if path and (folder / path).exists() else path

    return run.model_copy(
        update={
            "encoder": run.encoder.model_copy(update={"checkpoint": here(run.encoder.checkpoint)}),
            "init_from": here(run.init_from),
        }
    )


def _some_task(folder: Path) -> str:
    from respllm.tasks import get_task
    from respllm.training import RunFolder

    run = RunFolder(folder)
    return get_task(run.read_config().tasks.learned[0], run.task_folder()).id
