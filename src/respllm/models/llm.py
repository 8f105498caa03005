"""The language model: presets, loading, LoRA and identity."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from respllm.config import LoraSettings, ModelConfig
from respllm.errors import CheckpointError, ConfigError, unknown_name
from respllm.models.nano import nano_llm, nano_tokenizer
from respllm.models.packed_attention import PACKED_ATTENTION
from respllm.models.quiet import bars_on_terminals_only

TRUSTED = "RESPLLM_TRUST_REMOTE_CODE"
"""Environment variable with the names of language models whose own code may run, by commas."""


@dataclass(frozen=True, slots=True)
class Preset:
    """A language model of the paper's Tables 6 and 7, or nano.

    Attributes:
        hub_id: Hugging Face id; None is built in code.
        parameters: in billions, for memory estimates.
        gated: whether its licence must be accepted on the hub first.
        licence: the base model's terms.
    """

    hub_id: str | None
    parameters: float
    gated: bool
    licence: str


PRESETS: dict[str, Preset] = {
    "nano": Preset(None, 0.001, False, "Apache-2.0"),
    "openbiollm-8b": Preset(
        "aaditya/Llama3-OpenBioLLM-8B", 8.03, False, "Meta Llama 3 Community License"
    ),
    "llama-7b": Preset("huggyllama/llama-7b", 6.74, False, "LLaMA licence (non-commercial)"),
    "llama3-8b": Preset("meta-llama/Meta-Llama-3-8B", 8.03, True, "Meta Llama 3 Community License"),
    "mistral-7b": Preset("mistralai/Mistral-7B-v0.1", 7.24, False, "Apache-2.0"),
    "gemma2-2b": Preset("google/gemma-2-2b", 2.61, True, "Gemma Terms of Use"),
    "phi3.5": Preset("microsoft/Phi-3.5-mini-instruct", 3.82, False, "MIT"),
}

SHIPPED = Path(__file__).with_name("shipped")
"""Language models that come with the package, one folder each; its name is the model's."""

LORA_TARGETS: dict[str, tuple[str, ...]] = {
    "llama": ("q_proj", "v_proj"),
    "mistral": ("q_proj", "v_proj"),
    "gemma2": ("q_proj", "v_proj"),
    "qwen2": ("q_proj", "v_proj"),
    "qwen3": ("q_proj", "v_proj"),
    # Phi-3 has one fused matrix: its adapter changes the key as well (as in the published code).
    "phi3": ("qkv_proj",),
}
"""Names of the query and value projections, by `model_type` of the model's config."""


@dataclass(frozen=True, slots=True)
class LoadedLlm:
    """A language model without its word head, ready to be fused.

    Attributes:
        model: returns hidden states; adapters are in place.
        tokenizer: its own fast tokenizer.
        identity: fingerprint of what training starts from; "" for nano, which starts from a seed.
        trained_in_full: whether every weight is trained (and saved).
    """

    model: nn.Module
    tokenizer: Any
    identity: str
    trained_in_full: bool


def load_llm(config: ModelConfig, seed: int) -> LoadedLlm:
    """Load or build the language model a run asks for.

    Args:
        config: `llm` is a preset, a model that comes with the package, a Hugging Face id
            ("owner/name") or a local folder.
        seed: initialises nano and the adapters.

    Raises:
        ConfigError: no such model, an unsupported architecture, 4 bits without a GPU or for random
            weights, rounded weights that are to be trained, or code of its own that was not trusted
            by name (`TRUSTED`).
    """
    if config.random_weights and config.quantize_4bit:
        raise ConfigError(
            "Random weights are not loaded in 4 bits",
            next_step="remove random_weights or quantize_4bit",
        )
    if config.llm == "nano":
        if config.quantize_4bit:
            raise ConfigError("nano is trained in full and cannot be loaded in 4 bits")
        tokenizer = nano_tokenizer()
        return LoadedLlm(nano_llm(len(tokenizer), seed), tokenizer, "", True)
    if config.train == "all" and (config.quantize_4bit or config.dtype != "float32"):
        # A step of training is often smaller than a step of such weights.
        raise ConfigError(
            "A language model whose weights are all trained keeps them in float32",
            next_step="remove dtype and quantize_4bit, or set train: adapters",
        )
    source = _source(config.llm)
    with bars_on_terminals_only():
        model, tokenizer = _pretrained(source, config, seed)
    identity = fingerprint(model, tokenizer, with_weights=not config.quantize_4bit)
    model.requires_grad_(config.train == "all")
    if config.gradient_checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
        # The embeddings that enter are the first to need a gradient.
        model.enable_input_require_grads()
    if config.train == "all":
        return LoadedLlm(model, tokenizer, identity, True)
    return LoadedLlm(add_lora(model, config.lora, seed), tokenizer, identity, False)


def shipped_llms() -> tuple[str, ...]:
    """Names of the language models that come with the package."""
    return tuple(sorted(path.parent.name for path in SHIPPED.glob("*/config.json")))


def _source(llm: str) -> str:
    if llm in PRESETS:
        hub_id = PRESETS[llm].hub_id
        assert hub_id is not None
        return hub_id
    if llm in shipped_llms():
        return str(SHIPPED / llm)
    if "/" in llm or os.path.isdir(llm):  # False for a name that no file can have
        return llm
    raise ConfigError(
        unknown_name("language model", llm, (*PRESETS, *shipped_llms())),
        next_step="use one of these, a Hugging Face id (owner/name) or a local folder",
    )


def _pretrained(source: str, config: ModelConfig, seed: int) -> tuple[Any, Any]:
    """The model and its tokenizer; with `random_weights` only its architecture is fetched."""
    from transformers import AutoConfig, AutoModel, AutoTokenizer

    if config.trust_remote_code:
        _check_trusted(source)
    options: dict[str, Any] = {
        "revision": config.revision,
        "trust_remote_code": config.trust_remote_code,
    }
    how: dict[str, Any] = {"dtype": getattr(torch, config.dtype)}
    if config.quantize_4bit:
        # What is not packed (words, norms) and all that is computed.
        how |= {"dtype": torch.bfloat16}
        how |= {"quantization_config": _four_bits(), "device_map": {"": 0}}
    try:
        architecture = AutoConfig.from_pretrained(source, **options)
        how["attn_implementation"] = PACKED_ATTENTION
        if config.random_weights:
            with torch.random.fork_rng():
                torch.manual_seed(seed)
                model = AutoModel.from_config(architecture, **how)
        else:
            model = AutoModel.from_pretrained(
                source, config=architecture, use_safetensors=True, **how, **options
            )
        tokenizer = AutoTokenizer.from_pretrained(source, **options)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())[:300]
        raise ConfigError(
            f"The language model {source!r} could not be loaded: {reason}",
            expected="a model on the hub, in the local hub cache, or a folder with its files",
            next_step="check the name, the network, and for gated models `hf auth login`",
        ) from error
    return model, tokenizer


def _check_trusted(source: str) -> None:
    """A checkpoint's configuration, which a stranger may have written, is not enough to run code.

    Raises:
        ConfigError: the user of this machine has not named the repository.
    """
    if source not in {name.strip() for name in os.environ.get(TRUSTED, "").split(",")}:
        raise ConfigError(
            f"The language model {source!r} brings code along that would run on this machine",
            where="trust_remote_code",
            expected=f"its name in the environment variable {TRUSTED}",
            next_step=f"read the code; if you trust it, set {TRUSTED}={source} and run again",
        )


def _four_bits() -> Any:
    if not torch.cuda.is_available():
        raise ConfigError(
            "quantize_4bit needs an NVIDIA GPU, and none is visible",
            next_step="remove quantize_4bit, or run where a GPU is",
        )
    from transformers import BitsAndBytesConfig

    return BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )


def lora_targets(model_type: str) -> tuple[str, ...]:
    """The query and value projections of an architecture.

    Raises:
        ConfigError: an architecture that nobody has looked at.
    """
    if model_type not in LORA_TARGETS:
        raise ConfigError(
            unknown_name("architecture", model_type, LORA_TARGETS),
            next_step="add its query and value projections to LORA_TARGETS and a test",
        )
    return LORA_TARGETS[model_type]


def add_lora(model: Any, settings: LoraSettings, seed: int) -> nn.Module:
    """Put adapters on the query and value projections, in place (paper 3.1, B.1).

    The adapters are float32 whatever the frozen weights are, and begin as no change at all.
    """
    from peft import LoraConfig, inject_adapter_in_model

    lora = LoraConfig(
        r=settings.r,
        lora_alpha=settings.alpha,
        lora_dropout=settings.dropout,
        target_modules=list(lora_targets(model.config.model_type)),
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        adapted = inject_adapter_in_model(lora, model)
    for name, parameter in adapted.named_parameters():
        parameter.requires_grad_("lora_" in name)
        if "lora_" in name:
            parameter.data = parameter.data.float()
    return adapted


def fingerprint(model: Any, tokenizer: Any, with_weights: bool = True) -> str:
    """Tell one base model from another: architecture, vocabulary and a sample of each weight.

    The sample is compared in bfloat16, so that the same model in another dtype is the same.

    Args:
        with_weights: False for quantised weights, which are packed in another way.
    """
    digest = hashlib.sha256()
    shape = {
        key: getattr(model.config, key, None)
        for key in ("model_type", "hidden_size", "num_hidden_layers", "vocab_size")
    }
    digest.update(json.dumps(shape, sort_keys=True).encode())
    digest.update(json.dumps(tokenizer.get_vocab(), sort_keys=True).encode())
    if with_weights:
        for name, parameter in sorted(model.named_parameters()):
            sample = parameter.detach().flatten()[:256].to("cpu", torch.bfloat16)
            digest.update(name.encode())
            digest.update(sample.view(torch.int16).numpy().tobytes())
    return digest.hexdigest()[:32]


def check_identity(found: str, expected: str, llm: str) -> None:
    """Refuse adapters that were trained on another base model."""
    if found != expected:
        raise CheckpointError(
            f"The language model {llm!r} is not the one this run was trained on "
            f"(fingerprint {found}, trained on {expected})",
            expected="the same weights, vocabulary and architecture",
            next_step="set the run's base model to the original one, or train again",
        )
