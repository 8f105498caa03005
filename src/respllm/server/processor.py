"""How the service shares the processor among its threads, and keeps the memory it works in."""

from __future__ import annotations

import ctypes
import os
from typing import Any

SMALL = 50_000_000
"""Parameters up to which a batch is computed by one core: the operations of so small a model are
short, cores that share them mostly wait for one another, and the others have recordings to hear."""

KEPT_BYTES = 2**28
MAPPED_BYTES = 2**25
"""The size from which on blocks may be mapped one by one; glibc takes no more."""
_M_TRIM_THRESHOLD, _M_TOP_PAD, _M_MMAP_THRESHOLD = -1, -2, -3


def begin_asking(model: Any) -> None:
    """Let this thread ask a small model with one core, and a large one with all.

    Args:
        model: a torch module.
    """
    import torch

    if sum(one.numel() for one in model.parameters()) > SMALL:
        return
    # The first call is for torch's own loops, the second makes it final for OpenMP.
    torch.set_num_threads(1)
    torch.get_num_threads()


def hear_alone() -> None:
    """Let numpy's matrix products keep to the thread they are called in: spectra are small."""
    from threadpoolctl import threadpool_limits

    threadpool_limits(1, "blas")


def keep_freed_memory() -> None:
    """Ask glibc not to give every freed block back to the system, only to fetch it again.

    Elsewhere nothing happens, nor where the environment says how memory is kept.
    """
    if any(name.startswith("MALLOC_") for name in os.environ):
        return
    try:
        library = ctypes.CDLL("libc.so.6")
    except OSError:
        return
    for name, value in (
        (_M_MMAP_THRESHOLD, MAPPED_BYTES),
        (_M_TRIM_THRESHOLD, KEPT_BYTES),
        (_M_TOP_PAD, MAPPED_BYTES),
    ):
        library.mallopt(name, value)
