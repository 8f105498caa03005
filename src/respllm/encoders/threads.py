"""A batch over the processor's cores: each core computes its own clips, alone.

The operations of one clip are short; when all cores share each of them, they mostly wait for one
another.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import torch
from torch import Tensor


def over_threads(work: Callable[[Tensor], Tensor], batch: Tensor, size: int) -> Tensor:
    """`work` on parts of a batch (B, ...), on torch's threads, joined in order.

    A thread takes the next part when it is done with one: more, while another is held up by other
    programs. A batch of less than half as many as threads is computed in one piece by all of them.

    Args:
        work: computes without gradients, on the processor; called from several threads.
        batch: B >= 1.
        size: items of a part, at most.
    """
    threads = torch.get_num_threads()
    if threads == 1 or len(batch) < max(2, threads / 2):
        return work(batch)
    workers = min(threads, len(batch))
    parts = workers * math.ceil(len(batch) / (workers * size))
    pool = _single_threaded(threads)
    return torch.cat(list(pool.map(torch.no_grad()(work), batch.tensor_split(parts))))


@cache
def _single_threaded(threads: int) -> ThreadPoolExecutor:
    """A pool each of whose threads computes with itself only, made once a process."""
    ready = threading.Barrier(threads)

    def start() -> None:
        # Setting the number concerns this thread, and those that compute for the first time from
        # now on: the second call makes this thread's number final.
        torch.set_num_threads(1)
        torch.get_num_threads()

    pool = ThreadPoolExecutor(threads, initializer=start)
    try:
        for waiting in [pool.submit(ready.wait) for _ in range(threads)]:
            waiting.result()
    except BaseException:
        pool.shutdown()
        raise
    finally:
        torch.set_num_threads(threads)
    return pool
