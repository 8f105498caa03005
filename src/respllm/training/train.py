"""Train one model on all training tasks of a run, from its declaration to its folder."""

from __future__ import annotations

import importlib.metadata
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from rich.console import Console

from respllm.batching import (
    ExampleSet,
    Heard,
    TextTokenizer,
    balanced_weights,
    cut_note,
)
from respllm.config import RunConfig
from respllm.encoders import AudioEncoder, load_encoder
from respllm.errors import DataError
from respllm.models import Checkpoint
from respllm.models.device import peak_memory, place
from respllm.tasks import Learned
from respllm.tasks.removed import Removed
from respllm.training.aligning import align_fresh
from respllm.training.answer_parts import keep_answer_parts
from respllm.training.building import build
from respllm.training.curves import Curves
from respllm.training.data import TrainingData, load_training_data, split_hashes
from respllm.training.loop import Start, optimise
from respllm.training.observing import RunRecorder, Silent, halvings
from respllm.training.run_folder import RunFolder, write_json
from respllm.training.state import Progress, load_state
from respllm.training.varying import with_views
from respllm.types import Example
from respllm.version import __version__


@dataclass(frozen=True, slots=True)
class TrainingSummary:
    """How a training ended.

    Attributes:
        folder: of the run.
        steps, best_step: optimiser steps done, and the one whose model was kept.
        validation_auroc: mean over the training tasks at `best_step`; None without validation.
        seconds: of this process, data preparation included.
        skipped: recordings left out because they cannot be heard.
        notes: what the protocol did to each task's data, and what of the stated words was not read.
    """

    folder: Path
    steps: int
    best_step: int
    validation_auroc: float | None
    seconds: float
    skipped: int
    notes: tuple[str, ...]


def train(
    config: RunConfig,
    data_root: Path,
    out: Path,
    *,
    task_folder: Path = Path(),
    resume: bool = False,
    strict: bool = False,
    console: Console | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> TrainingSummary:
    """Train a run and keep its best model, judged by validation subjects, in `out`.

    Args:
        data_root: holds one folder per dataset.
        out: the run's folder; new, or an interrupted run's with `resume`.
        task_folder: where relative paths of task files start.
        resume: go on with an interrupted run; it ends with the weights it would have had.
        strict: stop at the first recording that cannot be heard, instead of skipping it.
        console: shows the progress bar.
        progress: called with (clips heard, clips in all).

    Raises:
        RespllmError: see `load_training_data`, `load_llm`, `RunFolder.start` and `optimise`.
    """
    begun = time.monotonic()
    console = console or Console(stderr=True)
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    folder = RunFolder(out)
    if accelerator.is_main_process:
        folder.start(config, resume)
    accelerator.wait_for_everyone()
    removed = Removed.read(data_root)
    encoder = load_encoder(config.encoder.name, config.encoder.checkpoint)
    encoder.to(accelerator.device)
    data = load_training_data(
        config, task_folder, data_root, encoder, strict=strict, progress=progress
    )
    checkpoint = build(config, encoder, data, _weights(config, data.train.examples))
    heard = with_views(data.train, config, encoder, progress)
    weights = _weights(config, heard.examples)
    train_set = _example_set(heard, checkpoint.tokenizer, weights)
    validation_set = _example_set(data.validation, checkpoint.tokenizer)
    cuts = _cuts(config, data, checkpoint.tokenizer)
    processes = accelerator.num_processes
    start = _start(folder, data) if resume else None
    if start is None:
        shown = console if accelerator.is_main_process else None
        found = align_fresh(checkpoint, data, config, _weights(config, data.train.examples), shown)
        alignment = None if found is None else asdict(found)
    else:
        alignment = folder.read_record().get("alignment")  # its weights come with its state
    if accelerator.is_main_process and start is None:
        record = _record(config, data, checkpoint, encoder, task_folder, processes, cuts)
        record["alignment"] = alignment
        write_json(folder.record, record)
        write_json(folder.learned, _learned(config, data).plain())
        skipped = [{"clip": one.clip_id, "reason": one.reason} for one in data.train.skipped]
        write_json(folder.skipped, skipped)
    # `forget` lists a person before it looks who learned from them, and a run says whom it learns
    # from before it looks at the list again: one of the two notices the other.
    accelerator.wait_for_everyone()
    if Removed.read(data_root).names != removed.names:
        raise DataError(
            "People were removed from the data while this run was being prepared",
            where=str(data_root),
            next_step="run it again with --resume: it then begins without them",
        )
    place(checkpoint.model, config.model, accelerator.device)
    if accelerator.is_main_process:
        for note in cuts:
            console.print(note, highlight=False, markup=False)
    arguments = (checkpoint.model, train_set, validation_set, config.training, config.seed)
    if accelerator.is_main_process:
        earlier = start.progress if start else Progress()
        with Curves(
            folder.path / "tensorboard", "training", "validation AUROC", earlier.step, None, console
        ) as curves:
            recorder = RunRecorder(folder, checkpoint, curves, earlier)
            result = optimise(*arguments, accelerator, recorder, start)
    else:
        result = optimise(*arguments, accelerator, Silent(), start)
    accelerator.wait_for_everyone()
    summary = TrainingSummary(
        folder=out,
        steps=result.step,
        best_step=result.best_step,
        validation_auroc=result.best,
        seconds=time.monotonic() - begun,
        skipped=len(data.train.skipped),
        notes=(
            *cuts,
            *(
                f"{task_id}: {note}"
                for task_id, selection in data.selections.items()
                for note in selection.notes
            ),
        ),
    )
    if accelerator.is_main_process:
        record = _record(config, data, checkpoint, encoder, task_folder, processes, cuts)
        record["alignment"] = alignment
        keep_answer_parts(folder.model, checkpoint, data)
        write_json(folder.record, record | _outcome(summary, result))
    accelerator.end_training()
    return summary


def _learned(config: RunConfig, data: TrainingData) -> Learned:
    """Everybody this model has learned from or was selected by, an earlier run's people too."""
    learned = Learned.of([*data.train.examples, *data.validation.examples])
    if config.init_from is None:
        return learned
    before = RunFolder(config.init_from).learned
    return learned | Learned.read(before) if before.is_file() else learned


def _weights(config: RunConfig, examples: Sequence[Example]) -> np.ndarray:
    if config.training.balance == "loss":
        return balanced_weights(examples)
    return np.ones(len(examples), np.float32)


def _example_set(
    heard: Heard, tokenizer: TextTokenizer, weights: np.ndarray | None = None
) -> ExampleSet:
    return ExampleSet(heard.examples, heard.tokens, tokenizer, weights)


def _cuts(config: RunConfig, data: TrainingData, tokenizer: TextTokenizer) -> tuple[str, ...]:
    """What of the stated words is not read, in training and in selection."""
    if "text" not in config.model.inputs:
        return ()
    parts = {"training": data.train, "validation": data.validation}
    notes = {name: cut_note(heard.examples, tokenizer) for name, heard in parts.items()}
    return tuple(f"{name}: {note}" for name, note in notes.items() if note)


def _start(folder: RunFolder, data: TrainingData) -> Start | None:
    if not folder.state.is_file():
        return None  # killed before the first state: begin again
    if folder.read_record()["splits"] != split_hashes(data.selections):
        raise DataError(
            "The recordings or their parts are not those this run began with",
            where=str(folder.path),
            next_step="give the same --data-root as before, or train anew with another --out",
        )
    return Start(*load_state(folder.state))


def _record(
    config: RunConfig,
    data: TrainingData,
    checkpoint: Checkpoint,
    encoder: AudioEncoder,
    task_folder: Path,
    processes: int,
    cuts: tuple[str, ...],
) -> dict[str, Any]:
    """What it takes to know later what this run was; names no person."""
    packages = ("torch", "transformers", "peft", "accelerate", "numpy", "scikit-learn")
    return {
        "name": config.name,
        "task_folder": str(task_folder.resolve()),
        "versions": {
            "respllm": __version__,
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in packages},
        },
        "platform": platform.platform(),
        "processes": processes,
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU",
        "simulated": checkpoint.config.simulated,
        "encoder": encoder.identity,
        "parameters": checkpoint.parameter_counts(),
        "splits": split_hashes(data.selections),
        "data": {
            task_id: {
                "notes": list(selection.notes),
                "excluded": len(selection.excluded),
                "subjects_known": selection.subjects_known,
                "subjects": {split: len(selection.subjects(split)) for split in selection.parts},
                "clips": {split: len(part) for split, part in selection.parts.items()},
            }
            for task_id, selection in data.selections.items()
        },
        "skipped": len(data.train.skipped),
        "cut": list(cuts),
        "finished": False,
    }


def _outcome(summary: TrainingSummary, progress: Progress) -> dict[str, Any]:
    return {
        "finished": True,
        "steps": summary.steps,
        "best_step": summary.best_step,
        "out_of_memory": halvings(progress),
        "validation_auroc": {"mean": summary.validation_auroc, **progress.aurocs},
        "seconds": round(summary.seconds, 1),
        "peak_memory_bytes": peak_memory(),
    }
