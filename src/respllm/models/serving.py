"""A trained model made ready to answer, and for nothing else."""

from __future__ import annotations

import torch

from respllm.models.respllm import RespLLM
from respllm.types import Precision


def for_inference(model: RespLLM, precision: Precision = "float32") -> RespLLM:
    """Merge adapters into the weights they adapt, and compute in a precision; in place.

    Merged adapters cost nothing, and the sum is rounded once. Where the frozen weights are in less
    than float32 they stay apart: what they learned could be less than a step of those weights.

    Args:
        precision: "bfloat16" converts the language model; what is added to it (adapters that are
            not merged, projector, head) keeps its weights.

    Returns:
        The same model, in evaluation mode, without gradients. It is not to be saved or trained.
    """
    model.eval().requires_grad_(False)
    for module in model.llm.modules():
        base = getattr(module, "base_layer", None)
        if base is not None and base.weight.dtype == torch.float32:
            module.merge()
    if precision == "bfloat16" and not getattr(model.llm, "is_quantized", False):
        # Not its buffers: rounded rotary frequencies would turn far words by some degrees.
        for name, parameter in model.llm.named_parameters():
            if "lora_" not in name:
                parameter.data = parameter.data.to(torch.bfloat16)
    return model
