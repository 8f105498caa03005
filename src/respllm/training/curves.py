"""What every optimisation shows while it runs: a progress bar, and curves in TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

EVERY = 10  # steps that are one point of a curve


class Curves:
    """A context manager.

    Args:
        board: folder of TensorBoard's files.
        doing: what the bar calls it.
        judged_by: what the bar calls the last validation.
        start: the step it goes on from.
        total: steps, at most; None: `step` tells.
        console: the bar is drawn on it, if it is a terminal; None draws none.

    Attributes:
        loss: smoothed; None before the first step.
        console: what other lines are printed on, above the bar.
    """

    def __init__(
        self,
        board: Path,
        doing: str,
        judged_by: str,
        start: int,
        total: int | None,
        console: Console | None,
    ) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.loss: float | None = None
        self._board = SummaryWriter(str(board), purge_step=start or None)
        self._bar = Progress(
            TextColumn(doing),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("loss {task.fields[loss]}"),
            TextColumn(judged_by + " {task.fields[judged]}"),
            TimeRemainingColumn(),
            console=console,
            disable=console is None or not console.is_terminal,
        )
        self.console = self._bar.console
        self._task = self._bar.add_task("", completed=start, total=total, loss="–", judged="–")

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

    def step(self, step: int, loss: float, rate: float, total: int | None = None) -> None:
        """An optimiser step was made: move the bar; every tenth goes to TensorBoard."""
        self.loss = loss if self.loss is None else 0.95 * self.loss + 0.05 * loss
        self._bar.update(self._task, completed=step, total=total, loss=f"{self.loss:.3f}")
        if step % EVERY == 0:
            self._board.add_scalar("train/loss", self.loss, step)
            self._board.add_scalar("train/learning_rate", rate, step)

    def validated(self, step: int, values: Mapping[str, float | None]) -> None:
        """Keep what a validation gave; None is left out."""
        for name, value in values.items():
            if value is not None:
                self._board.add_scalar(f"validation/{name}", value, step)

    def judge(self, value: float | None) -> None:
        """Show a validation's result beside the bar."""
        self._bar.update(self._task, judged="–" if value is None else f"{value:.3f}")
