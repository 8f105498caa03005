"""A Llama with random weights built on its device, in bfloat16 or in 4 bits."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn
from transformers import LlamaModel
from transformers.models.llama.modeling_llama import LlamaDecoderLayer

from respllm.benchmarks.gpu_results import Weights
from respllm.benchmarks.workload import Size, fused
from respllm.config import ModelConfig
from respllm.models import RespLLM
from respllm.models.device import place


def matrix_parameters(size: Size) -> int:
    """Weights that each position is multiplied with in the language model."""
    with torch.device("meta"):
        layer = LlamaDecoderLayer(size.config(), 0)
    return size.layers * sum(p.numel() for p in layer.parameters() if p.ndim == 2)


def random_model(size: Size, weights: Weights, device: torch.device) -> RespLLM:
    """A model with random weights, made on the device layer by layer.

    Neither float32 weights nor, in 4 bits, all bfloat16 weights exist at any time.
    """
    config = size.config()
    config.num_hidden_layers = 0
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        with _made_on(device):
            llm: Any = LlamaModel(config)
        for number in range(size.layers):
            with _made_on(device):
                layer: nn.Module = LlamaDecoderLayer(config, number)
                for parameter in layer.parameters():
                    if parameter.ndim == 2:
                        nn.init.normal_(parameter, std=config.initializer_range)
            llm.layers.append(layer if weights == "bfloat16" else _in_four_bits(layer))
        config.num_hidden_layers = size.layers
        # As `from_pretrained` marks it: adapters and `for_inference` look here.
        llm.is_loaded_in_4bit = llm.is_quantized = weights == "nf4"
        model = fused(llm)
    place(model, ModelConfig(llm="-/-", quantize_4bit=weights == "nf4"), device)
    return model


@contextmanager
def _made_on(device: torch.device) -> Iterator[None]:
    """Tensors that are made within are bfloat16 and on the device."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with device:
            yield
    finally:
        torch.set_default_dtype(before)


def _in_four_bits(layer: nn.Module) -> nn.Module:
    """The layer with its matrices as `quantize_4bit` loads them."""
    from bitsandbytes.nn import Linear4bit, Params4bit

    for name, linear in list(layer.named_modules()):
        if not isinstance(linear, nn.Linear):
            continue
        packed = Linear4bit(
            linear.in_features,
            linear.out_features,
            bias=False,
            compute_dtype=torch.bfloat16,
            compress_statistics=True,
            quant_type="nf4",
            device="meta",
        )
        weight = Params4bit(
            linear.weight.data,
            requires_grad=False,
            compress_statistics=True,
            quant_type="nf4",
            module=packed,
        )
        packed.weight = weight.to(linear.weight.device)  # packs it
        layer.set_submodule(name, packed)
    return layer
