"""A small language model by name, offline, and trained in full."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

from respllm.batching import TextTokenizer
from respllm.config import ModelConfig
from respllm.errors import CheckpointError, ConfigError
from respllm.models import Checkpoint, assemble, llm, load_llm
from respllm.models.checkpoint import CARD
from tests.models.checkpoints import WIDTH, logits, make_checkpoint
from tests.models.conftest import write_tiny_llm


@pytest.fixture
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package that brings the language model "small" along."""
    write_tiny_llm(tmp_path / "shipped" / "small", "llama")
    monkeypatch.setattr(llm, "SHIPPED", tmp_path / "shipped")
    # Nothing is asked of the network.
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return tmp_path / "shipped" / "small"


def in_full(config: ModelConfig) -> Checkpoint:
    """A checkpoint as after a training of all weights."""
    template = make_checkpoint("small").config
    loaded = load_llm(config, seed=3)
    model = assemble(loaded.model, config, WIDTH, seed=3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    changes = {"model": config, "base_identity": loaded.identity}
    return Checkpoint(
        model.eval(), TextTokenizer(loaded.tokenizer), template.model_copy(update=changes)
    )


def test_a_model_that_comes_with_the_package_is_found_by_name(shipped: Path) -> None:
    by_name, by_path = (load_llm(ModelConfig(llm=name), 0) for name in ("small", str(shipped)))
    assert by_name.identity == by_path.identity != ""
    with pytest.raises(ConfigError, match=r"Unknown language model 'smal'.*'small'"):
        load_llm(ModelConfig(llm="smal"), 0)


@pytest.mark.parametrize("change", [{"dtype": "bfloat16"}, {"quantize_4bit": True}])
def test_rounded_weights_are_not_trained_in_full(shipped: Path, change: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="float32"):
        load_llm(ModelConfig(llm="small", train="all", **change), 0)


def test_a_model_trained_in_full_is_the_same_after_saving(shipped: Path, tmp_path: Path) -> None:
    config = ModelConfig(llm="small", train="all", head="attention")
    loaded = load_llm(config, seed=3)
    assert all(parameter.requires_grad for parameter in loaded.model.parameters())
    checkpoint = in_full(config)
    assert checkpoint.parameter_counts()["frozen"] == 0
    expected = logits(checkpoint)
    checkpoint.save_pretrained(tmp_path / "saved")
    assert torch.equal(logits(Checkpoint.from_pretrained(tmp_path / "saved")), expected)
    assert "trained in full" in (tmp_path / "saved" / CARD).read_text(encoding="utf-8")
    # It began with other weights than those that are there now: a pair that nobody trained.
    shutil.rmtree(shipped)
    write_tiny_llm(shipped, "llama", seed=1)
    with pytest.raises(CheckpointError, match="not the one this run was trained on"):
        Checkpoint.from_pretrained(tmp_path / "saved")
