"""respllm: respiratory health prediction from what a clinician asks and hears.

An implementation of RespLLM (Zhang et al. 2024). Research software, never a medical device.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from respllm.inference import Predictor

__version__ = "0.1.0"
__all__ = ["Predictor", "__version__"]


def __getattr__(name: str) -> Any:
    # Loading torch and transformers takes seconds: only when they are needed.
    if name == "Predictor":
        from respllm.inference import Predictor

        return Predictor
    raise AttributeError(f"module 'respllm' has no attribute {name!r}")
