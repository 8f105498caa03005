"""The paper's baselines and fusion ablations: they share everything with RespLLM but the model."""

from respllm.models.baselines.hearing import Hearing
from respllm.models.baselines.registry import (
    BASELINES,
    BaselineSpec,
    build_baseline,
    get_baseline,
)
from respllm.models.baselines.standardising import Standardise

__all__ = [
    "BASELINES",
    "BaselineSpec",
    "Hearing",
    "Standardise",
    "build_baseline",
    "get_baseline",
]
