"""What a pretraining shows while it runs: a progress bar and TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

EVERY = 10  # steps that are one point of a curve


class Observer:
    """A context manager.

    Args:
        board: folder of TensorBoard's files.
        total: steps, at most.
        start: the step it goes on from.
        console: the bar is drawn on it, if it is a terminal; None draws none.
    """

    def __init__(self, board: Path, total: int, start: int, console: Console | None) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self._board = SummaryWriter(str(board), purge_step=start or None)
        self._loss: float | None = None
        self._bar = Progress(
            TextColumn("pretraining"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}"),
            TextColumn("validation {task.fields[validation]}"),
            TimeRemainingColumn(),
            console=console,
            disable=console is None or not console.is_terminal,
        )
        self._task = self._bar.add_task("", completed=start, total=total, loss="–", validation="–")

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

    def step(self, step: int, loss: float, rate: float) -> None:
        """An optimiser step was made."""
        self._loss = loss if self._loss is None else 0.95 * self._loss + 0.05 * loss
        self._bar.update(self._task, completed=step, loss=f"{self._loss:.3f}")
        if step % EVERY == 0:
            self._board.add_scalar("train/loss", self._loss, step)
            self._board.add_scalar("train/learning_rate", rate, step)

    def validated(self, step: int, values: Mapping[str, float | None]) -> None:
        """The validation people's views were scored."""
        for name, value in values.items():
            if value is not None:
                self._board.add_scalar(f"validation/{name}", value, step)
        self._bar.update(self._task, validation=f"{values['loss']:.3f}")
