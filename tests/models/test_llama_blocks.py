"""The written-out blocks are the library's layers, with the library's gradients."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from respllm.batching import Batch, ExampleSet, TextTokenizer
from respllm.config import LoraSettings, ModelConfig
from respllm.models import (
    PromptMemory,
    RespLLM,
    assemble,
    for_inference,
    llama_blocks,
    load_llm,
    predict_logits,
)
from tests.models.conftest import write_tiny_llm
from tests.models.test_respllm import WIDTH, examples

KINDS = ("llama", "mistral")


def made(folder: Path, kind: str) -> tuple[RespLLM, Batch]:
    config = ModelConfig(llm=str(write_tiny_llm(folder / kind, kind)), lora=LoraSettings(r=4))
    loaded = load_llm(config, seed=1)
    model = assemble(loaded.model, config, WIDTH, seed=1)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "lora_B" in name or "norm" in name:
                parameter.add_(0.1 * torch.randn_like(parameter))
    audio = np.random.default_rng(0).standard_normal((6, 64, WIDTH)).astype(np.float32)
    batch = ExampleSet(
        examples(), lambda rows: audio[list(rows)], TextTokenizer(loaded.tokenizer)
    ).batch(range(6))
    return model, batch


def gradients(model: RespLLM, batch: Batch) -> dict[str, torch.Tensor]:
    batch.audio.requires_grad_().grad = None
    model.zero_grad()
    torch.nn.functional.cross_entropy(model(batch), batch.labels).backward()
    found = {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}
    assert batch.audio.grad is not None
    return found | {"audio": batch.audio.grad.clone()}


@pytest.mark.parametrize("kind", KINDS)
def test_states_and_gradients_are_the_librarys(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, batch = made(tmp_path, kind)
    assert model.llm.config.num_key_value_heads < model.llm.config.num_attention_heads
    ours, own = model(batch), gradients(model, batch)
    used: list[int] = []
    monkeypatch.setattr(llama_blocks, "can_run", lambda *_: bool(used.append(1)))
    theirs, expected = model(batch), gradients(model, batch)
    assert used, "the other way was taken"
    torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)
    assert own.keys() == expected.keys()
    for name, gradient in expected.items():
        torch.testing.assert_close(own[name], gradient, atol=1e-6, rtol=1e-4, msg=name)
        assert gradient.abs().max() > 0, name


@pytest.mark.parametrize("kind", KINDS)
def test_merged_adapters_and_a_memory_answer_alike(kind: str, tmp_path: Path) -> None:
    model, batch = made(tmp_path, kind)
    with torch.inference_mode():
        expected = model.padded(batch)
        for_inference(model)
        memory = PromptMemory()
        for _ in range(2):
            torch.testing.assert_close(model(batch, memory), expected, atol=1e-5, rtol=0)
        torch.testing.assert_close(model(batch), expected, atol=1e-5, rtol=0)


def test_bfloat16_is_close(tmp_path: Path) -> None:
    model, batch = made(tmp_path, "llama")
    with torch.inference_mode():
        expected = model(batch)
        for_inference(model, "bfloat16")
        with torch.autocast("cpu", torch.bfloat16):
            found = model(batch)
    assert found.dtype == torch.float32
    assert model.llm.rotary_emb.inv_freq.dtype == torch.float32, "far words would turn"
    torch.testing.assert_close(found, expected, atol=0.02 * float(expected.abs().max()), rtol=0.02)
    assert not torch.equal(found, expected)


def test_what_it_cannot_do_is_left_to_the_library(tmp_path: Path) -> None:
    model, _ = made(tmp_path, "llama")
    rows = torch.zeros(3, model.llm.config.hidden_size)
    assert llama_blocks.can_run(model.llm, rows)
    assert not llama_blocks.can_run(model.llm, rows.double())
    with torch.autocast("cpu", torch.bfloat16):
        assert not llama_blocks.can_run(model.llm, rows)
    model.llm.requires_grad_(True)
    assert not llama_blocks.can_run(model.llm, rows), "it gives frozen weights no gradient"
    with torch.no_grad():
        assert llama_blocks.can_run(model.llm, rows)
    gemma, _ = made(tmp_path, "gemma2")
    assert not llama_blocks.can_run(gemma.llm, rows)


def test_a_given_memory_is_filled_and_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model, _ = made(tmp_path, "llama")
    audio = np.zeros((6, 64, WIDTH), np.float32)
    loaded = load_llm(ModelConfig(llm=str(tmp_path / "llama")), 0)
    asked = ExampleSet(examples(), lambda rows: audio[list(rows)], TextTokenizer(loaded.tokenizer))
    memory = PromptMemory()
    first = predict_logits(model, asked, memory=memory)
    assert len(memory.kept.rows) == 2
    monkeypatch.setattr(model, "_read", None)
    np.testing.assert_allclose(predict_logits(model, asked, memory=memory), first, atol=1e-5)
