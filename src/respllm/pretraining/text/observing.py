"""What a text pretraining shows and keeps: progress bar, TensorBoard, metrics, state."""

from __future__ import annotations

import json
import math
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from respllm.datasets.fetching.writing import write_whole
from respllm.pretraining.text.folder import TextFolder
from respllm.pretraining.text.state import TextProgress, TextState


class TextRecorder:
    """The observer of a text pretraining; a context manager.

    Args:
        folder: where the run is kept.
        total: optimiser steps, at most.
        console: the bar is drawn on it, if it is a terminal.
        start: where it goes on from.
    """

    def __init__(
        self, folder: TextFolder, total: int, console: Console, start: TextProgress
    ) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._folder = folder
        self._loss: float | None = None
        self._board = SummaryWriter(
            str(folder.path / "tensorboard"), purge_step=start.step if start.step else None
        )
        self._bar = Progress(
            TextColumn("reading"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}"),
            TextColumn("validation {task.fields[validation]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task(
            "", completed=start.step, total=total, loss="–", validation="–"
        )
        # Those that the continued run will do again are forgotten.
        self._lines = [entry for entry in folder.read_metrics() if entry["step"] <= start.step]

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bar.stop()
        self._board.close()

    def step(self, progress: TextProgress, loss: float, rate: float) -> None:
        """Move the bar; every tenth step goes to TensorBoard."""
        self._loss = loss if self._loss is None else 0.95 * self._loss + 0.05 * loss
        self._bar.update(self._task, completed=progress.step, loss=f"{self._loss:.3f}")
        if progress.step % 10 == 0:
            self._board.add_scalar("train/loss", self._loss, progress.step)
            self._board.add_scalar("train/learning_rate", rate, progress.step)

    def validated(self, progress: TextProgress, loss: float) -> None:
        """Write the validation down."""
        self._lines.append({"step": progress.step, "loss": self._loss, "validation_loss": loss})
        text = "".join(json.dumps(line) + "\n" for line in self._lines)
        write_whole(self._folder.metrics, text.encode())
        self._board.add_scalar("validation/loss", loss, progress.step)
        self._board.add_scalar("validation/perplexity", math.exp(loss), progress.step)
        self._bar.update(self._task, validation=f"{loss:.3f}")

    def save(self, state: TextState) -> None:
        """Write the state that a killed run goes on from."""
        state.save(self._folder.state)
