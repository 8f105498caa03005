"""Presets, adapters, identity and the memory-saving ways of loading a language model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from respllm.batching import ExampleSet, TextTokenizer
from respllm.config import LoraSettings, ModelConfig
from respllm.errors import CheckpointError, ConfigError
from respllm.models import PRESETS, RespLLM, assemble, llama_blocks, load_llm
from respllm.models.llm import check_identity, lora_targets
from respllm.types import Clip, Dms, Example, Record
from tests.models.conftest import write_tiny_llm

WIDTH = 24


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_llm(tmp_path_factory.mktemp("llm") / "llama", "llama")


def some_examples(tokenizer: Any) -> ExampleSet:
    record = Record("d/r", "d/s", "d", "lung", Path("r.wav"), Dms())
    examples = [
        Example("S7", Clip(record, window=i), "Is it COPD?", "Age: 65." * (i + 1), i % 2)
        for i in range(4)
    ]
    audio = np.random.default_rng(0).standard_normal((4, 64, WIDTH)).astype(np.float32)
    return ExampleSet(examples, lambda rows: audio[list(rows)], TextTokenizer(tokenizer))


def test_the_presets_are_those_of_the_papers_tables_and_nano() -> None:
    assert {name: preset.hub_id for name, preset in PRESETS.items()} == {
        "nano": None,
        "openbiollm-8b": "aaditya/Llama3-OpenBioLLM-8B",
        "llama-7b": "huggyllama/llama-7b",
        "llama3-8b": "meta-llama/Meta-Llama-3-8B",
        "mistral-7b": "mistralai/Mistral-7B-v0.1",
        "gemma2-2b": "google/gemma-2-2b",
        "phi3.5": "microsoft/Phi-3.5-mini-instruct",
    }
    assert all(preset.licence for preset in PRESETS.values())


def test_a_preset_is_fetched_under_its_hub_name(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(source: str, **_: Any) -> None:
        asked.append(source)
        raise OSError("You are trying to access a gated repo.\nLog in first.")

    monkeypatch.setattr("transformers.AutoConfig.from_pretrained", refuse)
    with pytest.raises(ConfigError, match=r"gated repo\. Log in first.*hf auth login"):
        load_llm(ModelConfig(llm="llama3-8b"), 0)
    assert asked == ["meta-llama/Meta-Llama-3-8B"]


def test_a_near_miss_of_a_preset_is_suggested() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'mistral-7b'"):
        load_llm(ModelConfig(llm="mistral7b"), 0)


def test_a_folder_without_a_model(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="could not be loaded"):
        load_llm(ModelConfig(llm=str(tmp_path)), 0)


def test_an_architecture_that_nobody_looked_at_is_refused(tmp_path: Path, llama: Path) -> None:
    with pytest.raises(ConfigError, match=r"Unknown architecture 'lama'. Did you mean 'llama'"):
        lora_targets("lama")
    from transformers import AutoModel, GPT2Config

    AutoModel.from_config(
        GPT2Config(vocab_size=300, n_embd=16, n_layer=1, n_head=2)
    ).save_pretrained(tmp_path)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((llama / name).read_bytes())
    with pytest.raises(ConfigError, match=r"Unknown architecture 'gpt2'.*LORA_TARGETS"):
        load_llm(ModelConfig(llm=str(tmp_path)), 0)


def test_four_bits_need_a_gpu(monkeypatch: pytest.MonkeyPatch, llama: Path) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ConfigError, match="needs an NVIDIA GPU"):
        load_llm(ModelConfig(llm=str(llama), quantize_4bit=True), 0)
    with pytest.raises(ConfigError, match="nano is trained in full"):
        load_llm(ModelConfig(llm="nano", quantize_4bit=True), 0)


def test_adapters_begin_as_no_change_and_follow_the_seed(llama: Path) -> None:
    from transformers import AutoModel

    config = ModelConfig(llm=str(llama), lora=LoraSettings(r=4))
    models = [load_llm(config, seed).model for seed in (1, 1, 2)]
    drawn = [dict(model.named_parameters()) for model in models]
    name = next(name for name in drawn[0] if "lora_A" in name)
    assert torch.equal(drawn[0][name], drawn[1][name])
    assert not torch.equal(drawn[0][name], drawn[2][name])
    words = torch.arange(12).reshape(1, 12)
    with torch.inference_mode():
        plain = AutoModel.from_pretrained(llama).eval()(words).last_hidden_state
        adapted = models[0].eval()(words).last_hidden_state
    assert torch.equal(plain, adapted)


def test_frozen_weights_may_be_bfloat16_and_adapters_stay_float32(tiny_llm: Path) -> None:
    loaded = load_llm(ModelConfig(llm=str(tiny_llm), dtype="bfloat16"), 0)
    for name, parameter in loaded.model.named_parameters():
        trained = "lora_" in name
        assert parameter.requires_grad == trained
        assert parameter.dtype == (torch.float32 if trained else torch.bfloat16), name
    model = assemble(loaded.model, ModelConfig(llm="nano"), WIDTH, 0)
    batch = some_examples(loaded.tokenizer).batch(range(4))
    logits = model(batch)
    assert logits.dtype == torch.float32
    nn.functional.cross_entropy(logits, batch.labels).backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)


def test_identity_is_the_models_own_whatever_its_dtype(tmp_path: Path, llama: Path) -> None:
    identity = load_llm(ModelConfig(llm=str(llama)), 0).identity
    assert load_llm(ModelConfig(llm=str(llama), dtype="bfloat16"), 1).identity == identity
    other = write_tiny_llm(tmp_path / "other", "llama", seed=1)
    different = load_llm(ModelConfig(llm=str(other)), 0).identity
    assert different != identity
    with pytest.raises(CheckpointError, match=rf"fingerprint {different}, trained on {identity}"):
        check_identity(different, identity, "llama")


def test_identity_knows_the_vocabulary(tmp_path: Path, llama: Path) -> None:
    for path in llama.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    content = json.loads((tmp_path / "tokenizer.json").read_text(encoding="utf-8"))
    words = content["model"]["vocab"]
    first, second = [word for word in words if len(word) == 1][:2]
    words[first], words[second] = words[second], words[first]
    (tmp_path / "tokenizer.json").write_text(json.dumps(content), encoding="utf-8")
    identities = {load_llm(ModelConfig(llm=str(f)), 0).identity for f in (llama, tmp_path)}
    assert len(identities) == 2


def test_gradient_checkpointing_recomputes_and_changes_no_gradient(
    tiny_llm: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gradients, calls = [], []
    for checkpointing in (False, True):
        config = ModelConfig(llm=str(tiny_llm), gradient_checkpointing=checkpointing)
        loaded = load_llm(config, 1)
        model = assemble(loaded.model, config, WIDTH, 1).train()
        monkeypatch.setattr(llama_blocks, "can_run", lambda *_: False)
        calls.append(_count_calls(model))
        batch = some_examples(loaded.tokenizer).batch(range(4))
        nn.functional.cross_entropy(model(batch), batch.labels).backward()
        gradients.append({n: p.grad for n, p in model.named_parameters() if p.grad is not None})
    assert [len(count) for count in calls] == [1, 2], "the second time is the recomputation"
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, atol=1e-6, rtol=1e-5)


def _count_calls(model: RespLLM) -> list[int]:
    calls: list[int] = []
    model.llm.layers[0].mlp.register_forward_pre_hook(lambda *_: calls.append(1))
    return calls


def test_examples_share_tokens_unless_dropout_is_active(
    llama: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def rows(dropout: float, training: bool) -> int:
        config = ModelConfig(llm=str(llama), lora=LoraSettings(dropout=dropout))
        loaded = load_llm(config, 0)
        model = assemble(loaded.model, config, WIDTH, 0).train(training)
        monkeypatch.setattr(llama_blocks, "can_run", lambda *_: False)  # it calls no layer
        seen: list[int] = []
        model.llm.layers[0].register_forward_pre_hook(lambda _, args: seen.append(args[0].numel()))
        model(some_examples(loaded.tokenizer).batch(range(4)))
        return seen[0]

    assert rows(0.0, True) == rows(0.1, False) == rows(0.0, False)
    assert rows(0.1, True) > rows(0.0, True), "each example has a dropout mask of its own"


def test_random_weights_keep_architecture_and_tokenizer_and_follow_the_seed(tiny_llm: Path) -> None:
    config = ModelConfig(llm=str(tiny_llm), random_weights=True)
    pretrained = load_llm(ModelConfig(llm=str(tiny_llm)), 0)
    first, again, other = (load_llm(config, seed) for seed in (5, 5, 6))
    assert first.identity == again.identity
    assert len({pretrained.identity, first.identity, other.identity}) == 3
    assert first.tokenizer.get_vocab() == pretrained.tokenizer.get_vocab()
    shapes = {name: p.shape for name, p in pretrained.model.named_parameters()}
    assert {name: p.shape for name, p in first.model.named_parameters()} == shapes
    trained = {name for name, p in first.model.named_parameters() if p.requires_grad}
    assert trained == {name for name in shapes if "lora_" in name}


def test_random_weights_are_not_quantised(llama: Path) -> None:
    config = ModelConfig(llm=str(llama), random_weights=True, quantize_4bit=True)
    with pytest.raises(ConfigError, match="4 bits"):
        load_llm(config, 0)
