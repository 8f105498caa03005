"""`respllm evaluate RUN`: test a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from respllm.cli.loading import libraries
from respllm.cli.opening import AllowSimulated, DataRoot, RunArgument, Strict, open_run
from respllm.cli.output import JsonFlag, out, print_json, progress_bar
from respllm.types import PROTOCOLS, ProtocolName

if TYPE_CHECKING:
    from respllm.inference import Evaluation


def evaluate(
    run: RunArgument,
    data_root: DataRoot,
    task: Annotated[
        list[str] | None,
        typer.Option(help="Task id or task file; may be repeated. Default: those of the run."),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="clean or paper. Default: the run's own.")
    ] = None,
    allow_simulated_model: AllowSimulated = False,
    strict: Strict = False,
    json: JsonFlag = False,
) -> None:
    """Test a run on held-out people and, zero-shot, on tasks it never learned."""
    from respllm.cli.results import print_results
    from respllm.errors import ConfigError, unknown_name

    if protocol is not None and protocol not in PROTOCOLS:
        raise ConfigError(unknown_name("protocol", protocol, PROTOCOLS))
    chosen: ProtocolName | None = next((p for p in PROTOCOLS if p == protocol), None)
    evaluation = evaluate_run(
        run,
        data_root,
        tasks=task,
        protocol=chosen,
        allow_simulated_model=allow_simulated_model,
        strict=strict,
    )
    if json:
        print_json({"results": evaluation.rows, "folder": evaluation.folder})
        return
    print_results(evaluation)
    out.print(f"Results: {evaluation.folder}", highlight=False)
    out.print(f"Next: respllm predict RECORDING --run {run} --task TASK")


def evaluate_run(
    run: Path,
    data_root: Path,
    *,
    tasks: list[str] | None = None,
    protocol: ProtocolName | None = None,
    allow_simulated_model: bool = False,
    strict: bool = False,
) -> Evaluation:
    """Test a run folder's best model on its tasks, or on others."""
    with libraries():
        from respllm.inference import evaluate as evaluate_model
        from respllm.tasks import get_task
        from respllm.training import validation_examples

    opened = open_run(run)
    config = opened.config
    chosen = [get_task(name) for name in tasks or ()]
    asked = protocol or config.protocol
    # Another protocol, or other data, may call people validation that this run learned from.
    own = not chosen and asked == config.protocol
    validation = validation_examples(opened.folder, data_root) if own else ()
    with progress_bar("hearing test recordings") as progress:
        return evaluate_model(
            opened.checkpoint,
            opened.encoder,
            chosen or opened.tasks,
            data_root,
            run / "results",
            # Chosen tasks get a place of their own: the run's full table is not overwritten.
            choice="-".join(task.id for task in chosen),
            learned=opened.learned,
            name=config.name,
            protocol=asked,
            validation=validation,
            allow_simulated_model=allow_simulated_model,
            strict=strict,
            progress=progress,
        )
