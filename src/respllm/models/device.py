"""The device that is computed on, and the memory that was taken."""

from __future__ import annotations

import resource
import sys

import torch

from respllm.config import ModelConfig
from respllm.models.respllm import RespLLM


def default_device() -> str:
    """ "cuda" where a GPU is visible, else "cpu"."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def place(model: RespLLM, config: ModelConfig, device: str | torch.device) -> None:
    """Put a model on a device; a language model in 4 bits stays where it was loaded."""
    parts = (model.projector, model.head) if config.quantize_4bit else (model,)
    for part in parts:
        part.to(device)


def peak_memory() -> dict[str, int]:
    """Peak bytes of this process so far: main memory, and the GPU's if there is one."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    # Linux counts in KiB, macOS in bytes.
    result = {"main": peak if sys.platform == "darwin" else 1024 * peak}
    if torch.cuda.is_available():
        result["gpu"] = torch.cuda.max_memory_allocated()
    return result
