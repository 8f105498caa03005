"""`respllm evaluate RUN`: test a trained run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from respllm.cli.output import JsonFlag, out, print_json, progress_bar
from respllm.types import PROTOCOLS, ProtocolName

if TYPE_CHECKING:
    from respllm.inference import Evaluation


def evaluate(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    data_root: Annotated[Path, typer.Option(help="Folder with one folder per dataset.")],
    task: Annotated[
        list[str] | None,
        typer.Option(help="Task id or task file; may be repeated. Default: those of the run."),
    ] = None,
    protocol: Annotated[
        str | None, typer.Option(help="clean or paper. Default: the run's own.")
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Stop at a recording that cannot be heard.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Test a run on held-out people and, zero-shot, on tasks it never learned."""
    from respllm.cli.results import print_results
    from respllm.errors import ConfigError, unknown_name

    if protocol is not None and protocol not in PROTOCOLS:
        raise ConfigError(unknown_name("protocol", protocol, PROTOCOLS))
    chosen: ProtocolName | None = next((p for p in PROTOCOLS if p == protocol), None)
    evaluation = evaluate_run(run, data_root, tasks=task, protocol=chosen, strict=strict)
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
    strict: bool = False,
) -> Evaluation:
    """Test a run folder's best model on its tasks, or on others."""
    from respllm.encoders import load_encoder
    from respllm.inference import evaluate as evaluate_model
    from respllm.models import Checkpoint
    from respllm.tasks import get_task
    from respllm.training import RunFolder

    folder = RunFolder(run)
    config = folder.read_config()
    names = tasks or [*config.tasks.train, *config.tasks.test]
    found = [get_task(name, None if tasks else folder.task_folder()) for name in names]
    checkpoint = Checkpoint.from_pretrained(run)
    encoder = load_encoder(config.encoder.name, config.encoder.checkpoint)
    with progress_bar("hearing test recordings") as progress:
        return evaluate_model(
            checkpoint,
            encoder,
            found,
            data_root,
            run / "results",
            name=config.name,
            protocol=protocol or config.protocol,
            strict=strict,
            progress=progress,
        )
