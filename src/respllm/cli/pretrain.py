"""`respllm pretrain audio CONFIG`: an encoder that has listened before any task is learned."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from respllm.cli.loading import libraries
from respllm.cli.opening import DataRoot
from respllm.cli.output import JsonFlag, err, out, print_json, progress_bar

app = typer.Typer(
    help="Pretrain the parts of a model on open data, without any answer.", no_args_is_help=True
)


@app.command("audio")
def audio(
    config: Annotated[
        Path, typer.Argument(help="Run file (YAML); see configs/pretrain_audio.yaml.")
    ],
    data_root: DataRoot,
    out_folder: Annotated[
        Path | None, typer.Option("--out", help="Folder. Default: runs/<name>.")
    ] = None,
    resume: Annotated[bool, typer.Option(help="Go on with an interrupted pretraining.")] = False,
    json: JsonFlag = False,
) -> None:
    """Pretrain an audio encoder on folders of recordings, self-supervised: no label is read."""
    with libraries():
        from respllm.config import read_yaml
        from respllm.pretraining.audio import AudioPretraining, pretrain_audio

    settings = read_yaml(config, AudioPretraining)
    folder = out_folder or Path("runs") / settings.name
    with progress_bar("hearing recordings") as progress:
        summary = pretrain_audio(
            settings,
            data_root,
            folder,
            run_folder=config.parent,
            resume=resume,
            console=err,
            progress=progress,
        )
    if json:
        print_json(summary)
        return
    heard = ", ".join(f"{count} of {name}" for name, count in summary.recordings.items())
    out.print(
        f"Heard {summary.hours:.1f} h of {summary.people} people ({heard} recordings, with "
        f"{summary.validation_people} people more to validate on).",
        highlight=False,
    )
    found = summary.validation.found
    crops = "" if found is None else f", other crops found {found:.2f}"
    out.print(
        f"{summary.steps} steps; kept step {summary.best_step}, validation loss "
        f"{summary.validation.loss:.3f}{crops}.",
        highlight=False,
    )
    for note in summary.notes:
        out.print(note, style="dim", highlight=False)
    out.print(f"Encoder: {summary.encoder}", highlight=False)
    out.print(f"Next: respllm probe {summary.folder} --data-root {data_root}", highlight=False)
