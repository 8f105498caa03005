"""A logit depends on its own example alone, for every architecture, either way it is computed."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from respllm.batching import Batch, ExampleSet, TextTokenizer
from respllm.config import LoraSettings, ModelConfig
from respllm.models import RespLLM, assemble, llama_blocks, load_llm
from respllm.models.heads import HEADS
from respllm.models.prompt_memory import PromptMemory
from respllm.types import Clip, Dms, Example, Record

WIDTH = 24
PROMPTS = ("Is it COPD? Please output 1 for COPD, and 0 for healthy.", "Cough?")
TEXTS = ("Gender: Male. Age: 65.", "", "Age: 30. Patient presents with the following: cough.")


def examples() -> list[Example]:
    record = Record("d/r", "d/s", "d", "lung", Path("r.wav"), Dms())
    return [
        Example("S7", Clip(record, window=i), PROMPTS[i % 2], TEXTS[i % 3], i % 2) for i in range(6)
    ]


@pytest.fixture
def example_set(model_and_tokenizer: tuple[RespLLM, TextTokenizer]) -> ExampleSet:
    audio = np.random.default_rng(0).standard_normal((6, 64, WIDTH)).astype(np.float32)
    return ExampleSet(examples(), lambda rows: audio[list(rows)], model_and_tokenizer[1])


@pytest.fixture
def model_and_tokenizer(tiny_llm: Path) -> tuple[RespLLM, TextTokenizer]:
    config = ModelConfig(llm=str(tiny_llm), head="attention", lora=LoraSettings(r=4))
    loaded = load_llm(config, seed=1)
    model = assemble(loaded.model, config, WIDTH, seed=1)
    with torch.no_grad():  # adapters begin as no change: give them an effect
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1)
    return model.eval(), TextTokenizer(loaded.tokenizer)


def logits(model: RespLLM, batch: Batch, share: bool) -> torch.Tensor:
    return model(batch) if share else model.padded(batch)


@pytest.mark.parametrize("share", [False, True])
def test_batch_mates_order_and_padding_leave_logits_unchanged(
    model_and_tokenizer: tuple[RespLLM, TextTokenizer], example_set: ExampleSet, share: bool
) -> None:
    model, _ = model_and_tokenizer
    with torch.inference_mode():
        alone = torch.cat([logits(model, example_set.batch([i]), False) for i in range(6)])
        for order in ([0, 1, 2, 3, 4, 5], [5, 3, 1, 0, 2, 4], [2, 0, 0, 2]):
            together = logits(model, example_set.batch(order), share)
            torch.testing.assert_close(together, alone[order], atol=1e-5, rtol=0)
    assert alone.std(0).min() > 1e-3, "the examples must differ for this test to mean anything"


def test_what_the_padding_holds_is_never_read(
    model_and_tokenizer: tuple[RespLLM, TextTokenizer], example_set: ExampleSet
) -> None:
    model, _ = model_and_tokenizer
    batch = example_set.batch([0, 1, 2, 3])
    with torch.inference_mode():
        for share in (False, True):
            before = logits(model, batch, share)
            columns = torch.arange(batch.dms_ids.shape[1])
            batch.dms_ids[columns >= batch.dms_lengths[:, None]] = 7
            columns = torch.arange(batch.prompt_ids.shape[1])
            batch.prompt_ids[columns >= batch.prompt_lengths[:, None]] = 9
            assert torch.equal(logits(model, batch, share), before)


def test_shared_prompts_have_the_same_gradients(
    model_and_tokenizer: tuple[RespLLM, TextTokenizer], example_set: ExampleSet
) -> None:
    model, _ = model_and_tokenizer
    batch = example_set.batch(range(6))
    gradients = []
    for share in (False, True):
        model.zero_grad()
        loss = torch.nn.functional.cross_entropy(logits(model, batch, share), batch.labels)
        loss.backward()
        gradients.append(
            {n: p.grad.clone() for n, p in model.named_parameters() if p.grad is not None}
        )
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        torch.testing.assert_close(gradients[1][name], gradient, atol=1e-5, rtol=1e-4)


def test_only_projector_adapters_and_head_are_trained(
    model_and_tokenizer: tuple[RespLLM, TextTokenizer], example_set: ExampleSet, tiny_llm: Path
) -> None:
    model, _ = model_and_tokenizer
    trained = {name for name, p in model.named_parameters() if p.requires_grad}
    assert all(name.startswith(("projector.", "head.")) or "lora_" in name for name in trained)
    targets = {"qkv_proj"} if tiny_llm.name == "phi3" else {"q_proj", "v_proj"}
    adapted = {name.split(".lora_")[0].rsplit(".", 1)[1] for name in trained if "lora_" in name}
    assert adapted == targets
    assert sum("lora_A" in name for name in trained) == 3 * len(targets), "in every layer"
    model(example_set.batch([0, 1])).sum().backward()
    for name, parameter in model.named_parameters():
        assert (parameter.grad is not None) == parameter.requires_grad, name


def test_audio_and_both_texts_reach_the_logits(
    model_and_tokenizer: tuple[RespLLM, TextTokenizer], example_set: ExampleSet
) -> None:
    model, _ = model_and_tokenizer
    with torch.inference_mode():
        batch = example_set.batch([0])
        base = model(batch)
        for name in ("prompt_ids", "dms_ids"):
            changed = example_set.batch([0])
            getattr(changed, name)[0, 3] += 1
            assert not torch.allclose(model(changed), base, atol=1e-6), name
        changed = example_set.batch([0])
        changed.audio[0, 10] += 1
        assert not torch.allclose(model(changed), base, atol=1e-6)


@pytest.mark.parametrize("head", sorted(HEADS))
def test_every_head_reads_64_positions(head: str) -> None:
    module = HEADS[head](40, 64)  # type: ignore[index]
    assert module(torch.randn(3, 64, 40)).shape == (3, 2)


def test_gemma_scales_audio_like_words(tmp_path: Path) -> None:
    from tests.models.conftest import write_tiny_llm

    folder = write_tiny_llm(tmp_path / "gemma2", "gemma2")
    config = ModelConfig(llm=str(folder))
    model = assemble(load_llm(config, 0).model, config, WIDTH, 0)
    batch = ExampleSet(
        examples(),
        lambda rows: np.ones((len(rows), 64, WIDTH), np.float32),
        TextTokenizer(load_llm(config, 0).tokenizer),
    ).batch([0])
    expected = model.projector(batch.audio) * 48**0.5
    torch.testing.assert_close(model._embed_audio(batch), expected)


@pytest.mark.parametrize("share", [False, True])
def test_without_an_input_nothing_of_it_reaches_the_answer(
    model_and_tokenizer: tuple[RespLLM, TextTokenizer], share: bool
) -> None:
    model, tokenizer = model_and_tokenizer
    random = np.random.default_rng(0)
    audio, other = random.standard_normal((2, 6, 64, WIDTH)).astype(np.float32)
    silent = [replace(example, dms_text="Age: 12. Other.") for example in examples()]
    here = ExampleSet(examples(), lambda rows: audio[list(rows)], tokenizer).batch(range(6))
    other_sound = ExampleSet(examples(), lambda rows: other[list(rows)], tokenizer).batch(range(6))
    other_words = ExampleSet(silent, lambda rows: audio[list(rows)], tokenizer).batch(range(6))
    with torch.inference_mode():
        for inputs, same, different in (
            ("text", other_sound, other_words),
            ("audio", other_words, other_sound),
        ):
            model.inputs = inputs  # type: ignore[assignment]
            found = logits(model, here, share)
            torch.testing.assert_close(logits(model, same, share), found, atol=1e-5, rtol=0)
            assert (logits(model, different, share) - found).abs().max() > 1e-3


def test_a_memory_of_prompts_changes_no_logit_and_reads_each_prompt_once(
    model_and_tokenizer: tuple[RespLLM, TextTokenizer],
    example_set: ExampleSet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, _ = model_and_tokenizer
    rows: list[int] = []
    compute = model._run
    monkeypatch.setattr(model, "_run", lambda x, row: [rows.append(len(x)), compute(x, row)][1])
    memory = PromptMemory()
    with torch.inference_mode():
        expected = model.padded(example_set.batch(range(6)))
        rows.clear()
        for asked in ([0, 2], [1, 0, 3, 5], [4], [0, 1, 2, 3, 4, 5]):
            found = model(example_set.batch(asked), memory)
            torch.testing.assert_close(found, expected[asked], atol=1e-5, rtol=0)
    lengths = {len(prompt) for prompt in memory.kept.rows}
    assert len(memory.kept.rows) == 2
    assert sum(row in lengths for row in rows) == 2, "each prompt was read alone, once"
    assert memory.kept.size == sum(lengths)


def test_what_is_not_read_in_the_last_block_is_not_computed(
    model_and_tokenizer: tuple[RespLLM, TextTokenizer],
    example_set: ExampleSet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, _ = model_and_tokenizer
    monkeypatch.setattr(llama_blocks, "can_run", lambda *_: False)
    rows: list[list[int]] = [[] for _ in model.llm.layers]
    for layer, seen in zip(model.llm.layers, rows, strict=True):
        down = layer.mlp.down_proj
        down.register_forward_pre_hook(lambda _, args, seen=seen: seen.append(args[0].shape[1]))
    with torch.inference_mode():
        model(example_set.batch(range(6)))
    assert rows[-1] == [6 * 64]
    assert all(row[0] > 6 * 64 for row in rows[:-1])


def test_a_copied_model_is_independent_and_answers_alike(
    model_and_tokenizer: tuple[RespLLM, TextTokenizer], example_set: ExampleSet
) -> None:
    model, _ = model_and_tokenizer
    other = deepcopy(model)
    with torch.inference_mode():
        batch = example_set.batch(range(6))
        before = model(batch)
        assert torch.equal(other(batch), before)
        for parameter in other.llm.parameters():
            parameter.zero_()
        assert torch.equal(model(batch), before)
        assert not torch.equal(other(batch), before)


def test_sequences_beyond_a_sliding_window_are_attended_through_it(tmp_path: Path) -> None:
    from tests.models.conftest import write_tiny_llm

    config = ModelConfig(llm=str(write_tiny_llm(tmp_path / "mistral", "mistral")))
    loaded = load_llm(config, 0)
    model = assemble(loaded.model, config, WIDTH, 0).eval()
    audio = np.random.default_rng(0).standard_normal((6, 64, WIDTH)).astype(np.float32)
    batch = ExampleSet(
        examples(), lambda rows: audio[list(rows)], TextTokenizer(loaded.tokenizer)
    ).batch(range(6))
    with torch.inference_mode():
        whole = model(batch)
        assert torch.allclose(whole, model.padded(batch), atol=1e-5)
        model.llm.config.sliding_window = 8
        for layer in model.llm.layers:
            layer.self_attn.sliding_window = 8
        narrow = RespLLM(model.llm, model.head, WIDTH).eval()
        narrow.projector = model.projector
        assert torch.equal(narrow(batch), narrow.padded(batch))
        assert not torch.allclose(narrow(batch), whole, atol=1e-4)


def test_two_models_of_one_language_model_answer_alike(
    model_and_tokenizer: tuple[RespLLM, TextTokenizer],
    example_set: ExampleSet,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, _ = model_and_tokenizer
    monkeypatch.setattr(llama_blocks, "can_run", lambda *_: False)
    with torch.inference_mode():
        batch = example_set.batch(range(6))
        before = model(batch)
        RespLLM(model.llm, model.head, WIDTH)
        assert torch.equal(model(batch), before)
