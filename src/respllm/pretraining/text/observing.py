"""What a text pretraining shows and keeps: progress bar, TensorBoard, metrics, state."""

from __future__ import annotations

import json
import math

from respllm.datasets.fetching.writing import write_whole
from respllm.pretraining.text.folder import TextFolder
from respllm.pretraining.text.state import TextProgress, TextState
from respllm.training.curves import Curves


class TextRecorder:
    """The observer of a text pretraining.

    Args:
        folder: where the run is kept.
        curves: are drawn.
        start: where it goes on from.
    """

    def __init__(self, folder: TextFolder, curves: Curves, start: TextProgress) -> None:
        self._folder = folder
        self._curves = curves
        # Those that the continued run will do again are forgotten.
        self._lines = [entry for entry in folder.read_metrics() if entry["step"] <= start.step]

    def step(self, progress: TextProgress, loss: float, rate: float) -> None:
        """An optimiser step was made."""
        self._curves.step(progress.step, loss, rate)

    def validated(self, progress: TextProgress, loss: float) -> None:
        """Write the validation down."""
        self._lines.append(
            {"step": progress.step, "loss": self._curves.loss, "validation_loss": loss}
        )
        text = "".join(json.dumps(line) + "\n" for line in self._lines)
        write_whole(self._folder.metrics, text.encode())
        self._curves.validated(progress.step, {"loss": loss, "perplexity": math.exp(loss)})
        self._curves.judge(loss)

    def save(self, state: TextState) -> None:
        """Write the state that a killed run goes on from."""
        state.save(self._folder.state)
