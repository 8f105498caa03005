"""respllm: respiratory health prediction from what a clinician asks and hears.

An implementation of RespLLM (Zhang et al. 2024). Research software, never a medical device.
"""

from __future__ import annotations

import importlib
from typing import Any

from respllm.version import __version__

ROOMS = ("audio", "datasets", "encoders", "evaluation", "models", "prompts", "simulation", "tasks")

__all__ = ["Predictor", "__version__"]


def __getattr__(name: str) -> Any:
    # Loading torch and transformers takes seconds: only when they are needed.
    if name == "Predictor":
        return importlib.import_module("respllm.inference").Predictor
    if name in ROOMS:
        return importlib.import_module(f"respllm.{name}")
    raise AttributeError(f"module 'respllm' has no attribute {name!r}")
