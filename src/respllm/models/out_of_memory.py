"""The GPU's memory is full, and computing less at once does not help."""

from __future__ import annotations

from respllm.errors import RespllmError


class OutOfMemoryError(RespllmError):
    """What has to be computed at once does not fit into the memory of the GPU."""
