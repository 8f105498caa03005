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
    allow_simulated_model: Annotated[
        bool,
        typer.Option(
            "--allow-simulated-model",
            help="Test a model trained on simulated data on real recordings.",
        ),
    ] = False,
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
    from respllm.encoders import load_encoder
    from respllm.inference import evaluate as evaluate_model
    from respllm.models import Checkpoint, default_device
    from respllm.tasks import Learned, get_task
    from respllm.training import RunFolder

    folder = RunFolder(run)
    config = folder.read_config()
    names = tasks or [*config.tasks.train, *config.tasks.test]
    found = [get_task(name, None if tasks else folder.task_folder()) for name in names]
    device = default_device()
    checkpoint = Checkpoint.from_pretrained(run, device)
    encoder = load_encoder(config.encoder.name, config.encoder.checkpoint).to(device)
    with progress_bar("hearing test recordings") as progress:
        return evaluate_model(
            checkpoint,
            encoder,
            found,
            data_root,
            run / "results",
            # Chosen tasks get a place of their own: the run's full table is not overwritten.
            choice="-".join(task.id for task in found) if tasks else "",
            learned=Learned.read(folder.learned),
            name=config.name,
            protocol=protocol or config.protocol,
            allow_simulated_model=allow_simulated_model,
            strict=strict,
            progress=progress,
        )
