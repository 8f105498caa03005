"""What a training shows and keeps: progress bar, TensorBoard, metrics, best model, state."""

from __future__ import annotations

import json
from typing import Any

from respllm.models import Checkpoint, CheckpointConfig, trained_state
from respllm.training.curves import Curves
from respllm.training.run_folder import RunFolder, write_json, write_text
from respllm.training.state import Progress, save_state


class Silent:
    """The observer of processes other than the main one."""

    def step(self, progress: Progress, total: int, loss: float, rate: float) -> None:
        """Nothing."""

    def validated(self, progress: Progress, aurocs: dict[str, float], improved: bool) -> None:
        """Nothing."""

    def halved(self, progress: Progress, batch_size: int) -> None:
        """Nothing."""

    def save(self, progress: Progress, optimizer: dict[str, Any]) -> None:
        """Nothing."""


class RunRecorder:
    """The observer of the main process.

    Args:
        folder: where the run is kept.
        checkpoint: holds the model that is being trained.
        curves: are drawn.
        start: where the training goes on from.
    """

    def __init__(
        self, folder: RunFolder, checkpoint: Checkpoint, curves: Curves, start: Progress
    ) -> None:
        self.saved: CheckpointConfig | None = None
        self._folder = folder
        self._checkpoint = checkpoint
        self._curves = curves
        curves.judge(start.best)
        _keep_metrics_until(folder, start.step)

    def step(self, progress: Progress, total: int, loss: float, rate: float) -> None:
        """An optimiser step was made."""
        self._curves.step(progress.step, loss, rate, total)

    def validated(self, progress: Progress, aurocs: dict[str, float], improved: bool) -> None:
        """Write the metrics down, and the model if it is the best so far."""
        line = {
            "step": progress.step,
            "loss": self._curves.loss,
            "improved": improved,
            "auroc": aurocs,
        }
        with self._folder.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")
        self._curves.validated(progress.step, aurocs)
        if improved:
            self.saved = self._checkpoint.save_pretrained(self._folder.model)
            self._curves.judge(progress.best)

    def halved(self, progress: Progress, batch_size: int) -> None:
        """Say so, and write it down."""
        step, micro = progress.halved[-1]
        self._curves.console.print(
            f"Out of GPU memory at step {step}: {micro} examples are computed at once from here "
            f"on; a step still learns from {batch_size}.",
            highlight=False,
        )
        record = self._folder.read_record() | {"out_of_memory": halvings(progress)}
        write_json(self._folder.record, record)

    def save(self, progress: Progress, optimizer: dict[str, Any]) -> None:
        """Write the state that a killed run goes on from."""
        save_state(self._folder.state, progress, trained_state(self._checkpoint.model), optimizer)


def halvings(progress: Progress) -> list[dict[str, int]]:
    """When the GPU's memory was full, for the run's record."""
    return [{"step": step, "micro_batch_size": micro} for step, micro in progress.halved]


def _keep_metrics_until(folder: RunFolder, step: int) -> None:
    """Forget validations that the continued run will do again."""
    if not folder.metrics.is_file():
        return
    lines = folder.metrics.read_text(encoding="utf-8", errors="replace").splitlines()
    write_text(folder.metrics, "".join(line + "\n" for line in lines if _step_of(line) <= step))


def _step_of(line: str) -> float:
    """The step of a line of the metrics; infinity for one that was not written to its end."""
    try:
        return json.loads(line)["step"]
    except (ValueError, KeyError, TypeError):
        return float("inf")
