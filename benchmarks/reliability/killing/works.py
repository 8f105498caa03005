"""What is killed: caching, training, evaluation and saving."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

from benchmarks.reliability.killing.checks import (
    same_results,
    same_run,
    whole_cache,
    whole_results,
    whole_run,
)
from benchmarks.reliability.killing.killing import Work, finish
from rich.console import Console

from respllm.cli.evaluate import evaluate_run
from respllm.config import EncoderConfig, ModelConfig, RunConfig, TaskLists, TrainingConfig
from respllm.encoders import load_encoder
from respllm.training import train
from respllm.training.data import load_training_data

CONFIG = RunConfig(
    encoder=EncoderConfig(name="mel-patch"),
    model=ModelConfig(llm="nano"),
    name="killed",
    tasks=TaskLists(train=("S7", "S6"), test=("T5",)),
    training=TrainingConfig(
        epochs=4, batch_size=8, learning_rate=1e-3, evaluations_per_epoch=3, patience=None
    ),
)
SAVING = CONFIG.model_copy(
    update={
        "training": CONFIG.training.model_copy(
            update={"evaluations_per_epoch": 8, "save_minutes": 1e-9}
        )
    }
)
"""Writes its state at every step, and is killed in a write each time."""


def works(root: Path, data: Path) -> list[Work]:
    """What is killed, with the undisturbed results it is compared with."""
    cache = root / "cache"

    def hear(folder: Path) -> None:
        os.environ["RESPLLM_CACHE"] = str(folder)
        load_training_data(CONFIG, Path(), data, load_encoder("mel-patch", None))

    def learn(config: RunConfig) -> Callable[[Path], None]:
        def do(folder: Path) -> None:
            os.environ["RESPLLM_CACHE"] = str(cache)
            train(config, data, folder, resume=True, console=Console(file=StringIO()))

        return do

    def test(folder: Path) -> None:
        os.environ["RESPLLM_CACHE"] = str(cache)
        evaluate_run(folder, data)

    finish(hear, cache)
    heard, trained, saved = root / "heard", root / "trained", root / "saved"
    finish(hear, heard)
    finish(learn(CONFIG), trained)
    finish(learn(SAVING), saved)
    tested = root / "tested"
    shutil.copytree(trained, tested)
    finish(test, tested)
    nothing: Callable[[Path], None] = lambda folder: None  # noqa: E731

    def trained_copy(folder: Path) -> None:
        shutil.copytree(trained, folder)

    def all_entries(folder: Path) -> Iterator[tuple[str, str]]:
        for path in heard.glob("tokens/*/*/*.safetensors"):
            there = (folder / path.relative_to(heard)).is_file()
            yield path.name, "" if there else "not there"

    return [
        Work(
            *("caching", nothing, hear, lambda f: f / "tokens"),
            *(lambda f: whole_cache(f, heard), all_entries),
        ),
        Work(
            *("training", nothing, learn(CONFIG), lambda f: f),
            *(whole_run, lambda f: same_run(f, trained)),
        ),
        Work(
            *("evaluation", trained_copy, test, lambda f: f / "results" / "clean"),
            *(lambda f: whole_results(f, tested), lambda f: same_results(f, tested)),
        ),
        Work(
            *("saving", nothing, learn(SAVING), lambda f: f),
            *(whole_run, lambda f: same_run(f, saved)),
            always_writing=True,
        ),
    ]
