"""The device that is computed on, and the memory that was taken."""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path

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
    result = {"main": _peak_main_memory()}
    if torch.cuda.is_available():
        result["gpu"] = torch.cuda.max_memory_allocated()
    return result


def _peak_main_memory() -> int:
    status = Path("/proc/self/status")
    if status.is_file():  # what `getrusage` says there includes the process that started this one
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text(encoding="ascii"))
        if found is not None:
            return 1024 * int(found[1])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak  # macOS counts in bytes
