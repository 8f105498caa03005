"""Times in alternating rounds, the machine's peak, and the memory a child process takes."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from statistics import median

import torch

from respllm.errors import RespllmError

PEAK_SIZE = 2048


def seconds(work: Callable[[], object]) -> float:
    """How long a piece of work takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def alternating(work: Mapping[str, Callable[[int], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each piece of work in each round; the pieces of a round follow each other.

    So what else the machine does slows all alike. Round 0 warms up and is not returned.

    Args:
        work: called with the number of the round.
    """
    times: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds + 1):
        for name, one in work.items():
            spent = seconds(lambda one=one, number=number: one(number))  # type: ignore[misc]
            if number:
                times[name].append(spent)
    return times


def ratio(slow: list[float], fast: list[float]) -> float:
    """The median over rounds of how many times faster the second was."""
    return median(a / b for a, b in zip(slow, fast, strict=True))


def matmul_peak(dtype: torch.dtype) -> float:
    """FLOP/s of a large matrix product, the best of eight."""
    a = torch.randn(PEAK_SIZE, PEAK_SIZE).to(dtype)
    return 2 * PEAK_SIZE**3 / min(seconds(lambda: a @ a) for _ in range(8))


def peak_bytes(module: str, *arguments: str) -> int:
    """Peak memory of `python -m module arguments`, which prints it as its last line.

    A process of its own: what an allocator keeps from earlier work would hide what a later one
    takes.

    Raises:
        RespllmError: the process failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise RespllmError(
            f"The measuring process failed: {done.stderr.strip()[-300:]}",
            where=f"python -m {module} {' '.join(arguments)}",
            next_step="run it alone to see why",
        )
    return int(done.stdout.split()[-1])
