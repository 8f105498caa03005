"""Peak memory of training, in a process of its own: `python -m respllm.benchmarks.memory WAY`."""

from __future__ import annotations

import sys
from typing import get_args

from respllm.benchmarks.training import our_epoch, plain_epoch
from respllm.benchmarks.workload import BATCH, Workload
from respllm.models import peak_memory
from respllm.types import Precision

STEPS = 2


def main(way: str) -> None:
    """Two training steps, "plain", "float32" or "bfloat16"; prints the peak in bytes."""
    work = Workload(BATCH * STEPS)
    precision = next((name for name in get_args(Precision) if name == way), None)
    if precision is None:
        plain_epoch(work.model, work.network, work.samples(), None)
    else:
        our_epoch(work.trained_model(precision), work.set(), work.set(0, 0), precision)
    print(peak_memory()["main"])


if __name__ == "__main__":
    main(sys.argv[1])
