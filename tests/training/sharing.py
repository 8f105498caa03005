"""Two processes of which only the second is out of memory, or sees a loss that is no number.

Run by `test_sharing.py` under `torch.distributed.run`; each process writes what became of it.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from accelerate import Accelerator

from respllm.batching import Batch
from respllm.config import TrainingConfig
from respllm.errors import RespllmError
from respllm.models import trained_state
from respllm.training import write_json
from respllm.training.loop import optimise
from tests.training.stub import Notebook, Stub, example_set


class Second(Stub):
    """Only the second process has room for `room` examples, or a loss of `factor` from step 5."""

    def __init__(self, rank: int, room: int, factor: float) -> None:
        super().__init__(dropout=0)
        # Broadcasting them within a forward pass would leave the processes waiting.
        self.register_buffer("counted", torch.zeros(()))
        self.rank, self.room, self.factor = rank, room, factor

    def forward(self, batch: Batch) -> torch.Tensor:
        if self.training and self.rank == 1:
            self.counted += 1
            if len(batch.audio) > self.room:
                raise torch.OutOfMemoryError("CUDA out of memory")
            if self.counted > 4:
                return super().forward(batch) * self.factor
        return super().forward(batch)


def main(out: Path) -> None:
    accelerator = Accelerator(cpu=True)
    rank = accelerator.process_index
    for name, room, factor, micro in (
        ("whole", 99, 1.0, None),
        ("memory", 2, 1.0, None),
        ("asked", 99, 1.0, 2),
        ("nothing", 0, 1.0, None),
        ("diverged", 99, float("nan"), None),
    ):
        model, notebook = Second(rank, room, factor), Notebook()
        settings = TrainingConfig(
            epochs=2, batch_size=8, learning_rate=0.01, micro_batch_size=micro
        )
        error, halved = "", []
        sets = example_set(21), example_set(8, seed=1)
        try:
            halved = optimise(model, *sets, settings, 5, accelerator, notebook).halved
        except RespllmError as stopped:
            error = str(stopped)
        weights = {n: w.flatten().tolist() for n, w in trained_state(model).items()}
        about = {"weights": weights, "error": error, "halved": halved, "losses": notebook.losses}
        write_json(out / f"{name}-{rank}.json", about)
    accelerator.end_training()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
