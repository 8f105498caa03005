"""Tiny random language models of every supported architecture, as local folders."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModel,
    Gemma2Config,
    LlamaConfig,
    MistralConfig,
    Phi3Config,
    PreTrainedConfig,
)

from respllm.models.nano import nano_tokenizer

SIZES = {
    "hidden_size": 48,
    "intermediate_size": 64,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 512,
    "bos_token_id": 0,
    "eos_token_id": 0,
    "pad_token_id": None,
}
CONFIGS: dict[str, type[PreTrainedConfig]] = {
    "llama": LlamaConfig,
    "mistral": MistralConfig,
    "gemma2": Gemma2Config,
    "phi3": Phi3Config,
}


def write_tiny_llm(folder: Path, architecture: str, seed: int = 0) -> Path:
    """Save a tiny random model and the nano tokenizer in `folder`."""
    tokenizer = nano_tokenizer()
    extra = {"head_dim": 12} if architecture == "gemma2" else {}
    config = CONFIGS[architecture](vocab_size=len(tokenizer), **SIZES, **extra)
    torch.manual_seed(seed)
    AutoModel.from_config(config).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session", params=sorted(CONFIGS))
def tiny_llm(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a tiny model of each architecture in turn."""
    return write_tiny_llm(tmp_path_factory.mktemp("llm") / request.param, request.param)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """The folder of a saved model."""
    from tests.models.checkpoints import make_checkpoint

    make_checkpoint("nano").save_pretrained(tmp_path / "saved")
    return tmp_path / "saved"
