"""Options that verbs share, and a run folder opened for use."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from respllm.config import RunConfig
    from respllm.encoders import AudioEncoder
    from respllm.models import Checkpoint
    from respllm.tasks import Learned, Task
    from respllm.training import RunFolder

DataRoot = Annotated[
    Path, typer.Option(help="Folder with one folder per dataset (icbhi, kauh, ...).")
]
RunArgument = Annotated[Path, typer.Argument(help="Run folder.")]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at a recording that cannot be heard.")]
AllowSimulated = Annotated[
    bool,
    typer.Option(
        "--allow-simulated-model",
        help="Let a model trained on simulated data answer for real recordings.",
    ),
]


@dataclass(frozen=True, slots=True)
class OpenRun:
    """A run's best model with what it takes to put questions to it.

    Attributes:
        tasks: those it is tested on, learned ones first.
        trained: those it learned from.
        learned: whom it learned from.
    """

    folder: RunFolder
    config: RunConfig
    checkpoint: Checkpoint
    encoder: AudioEncoder
    tasks: tuple[Task, ...]
    trained: tuple[Task, ...]
    learned: Learned


def open_run(run: Path) -> OpenRun:
    """Load a run folder's best model and its encoder.

    Raises:
        RespllmError: no finished run is here, or a part of it is damaged.
    """
    from respllm.encoders import load_encoder
    from respllm.models import Checkpoint, default_device
    from respllm.tasks import Learned, get_task
    from respllm.training import RunFolder

    folder = RunFolder(run)
    config = folder.read_config()
    device = default_device()
    place = folder.task_folder()
    return OpenRun(
        folder,
        config,
        Checkpoint.from_pretrained(run, device),
        load_encoder(config.encoder.name, config.encoder.checkpoint).to(device),
        tuple(get_task(name, place) for name in (*config.tasks.train, *config.tasks.test)),
        tuple(get_task(name, place) for name in config.tasks.learned),
        Learned.read(folder.learned),
    )
