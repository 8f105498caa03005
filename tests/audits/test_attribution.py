"""Attributions are of the model itself, add up, depend on its weights and show no single person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from respllm.audits.attribution import Attribution, attribute, audio_bands, shuffled_weights
from respllm.audits.integrated_gradients import embedded_inputs, log_odds_of, token_attributions
from respllm.batching import ExampleSet, TextTokenizer
from respllm.config import LoraSettings, ModelConfig
from respllm.errors import DataError
from respllm.models import Checkpoint, CheckpointConfig, RespLLM, assemble, load_llm
from respllm.models.nano import nano_tokenizer
from respllm.types import Clip, Dms, Example, Record
from tests.models.conftest import write_tiny_llm

WIDTH = 24
FULL_STOP = nano_tokenizer().encode(".")[0]
PEOPLE = 8


def examples(rare: str = "zyzzyva") -> list[Example]:
    found = []
    for i in range(PEOPLE):
        record = Record(f"d/r{i}", f"d/s{i}", "d", "lung", Path("r.wav"), Dms())
        text = f"Gender: {('Male', 'Female')[i % 2]}. Age: {40 + i}."
        text = "" if i == 6 else f"{text} Symptoms: {rare}." if i == 3 else text
        found.append(Example("S7", Clip(record), "Is it COPD-like? Output 1 or 0.", text, i % 2))
    return found


def a_checkpoint(llm: str, inputs: str = "audio and text") -> Checkpoint:
    config = ModelConfig(llm=llm, lora=LoraSettings(r=4))
    loaded = load_llm(config, seed=1)
    model = assemble(loaded.model, config, WIDTH, seed=1)
    model.inputs = inputs  # type: ignore[assignment]
    with torch.no_grad():  # adapters begin as no change: give them an effect
        for name, parameter in model.named_parameters():
            if "lora_B" in name:
                parameter.normal_(std=0.1, generator=torch.Generator().manual_seed(2))
    return Checkpoint(
        model.eval(),
        TextTokenizer(loaded.tokenizer),
        CheckpointConfig(
            model=config,
            base_identity=loaded.identity,
            encoder_name="mel-patch",
            encoder_identity="mel-patch-opera-1",
            audio_width=WIDTH,
            protocol="clean",
            seed=1,
            tasks=(),
            datasets=(),
            agreement_only=(),
            simulated=True,
        ),
    )


def an_example_set(checkpoint: Checkpoint, found: list[Example] | None = None) -> ExampleSet:
    found = examples() if found is None else found
    audio = np.random.default_rng(0).standard_normal((len(found), 64, WIDTH)).astype(np.float32)
    return ExampleSet(found, lambda rows: audio[list(rows)], checkpoint.tokenizer)


@pytest.fixture(scope="module", params=["nano", "llama", "gemma2"])
def checkpoint(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Checkpoint:
    if request.param == "nano":
        return a_checkpoint("nano")
    folder = tmp_path_factory.mktemp("attributed") / request.param
    return a_checkpoint(str(write_tiny_llm(folder, request.param)))


@pytest.fixture(scope="module")
def nano() -> Checkpoint:
    return a_checkpoint("nano")


@pytest.fixture(scope="module")
def found(nano: Checkpoint) -> Attribution:
    return attribute(nano, an_example_set(nano), range(PEOPLE), seed=3)


@torch.no_grad()
def model_log_odds(model: RespLLM, batch: object) -> torch.Tensor:
    logits = model(batch)
    return logits[:, 1] - logits[:, 0]


def test_the_attributed_function_is_the_model(checkpoint: Checkpoint) -> None:
    example_set = an_example_set(checkpoint)
    together = model_log_odds(checkpoint.model, example_set.batch(range(PEOPLE)))
    for i in range(PEOPLE):
        batch = example_set.batch([i])
        log_odds = log_odds_of(checkpoint.model, batch)
        with torch.no_grad():
            several = log_odds(
                *(part.repeat(3, 1, 1) for part in embedded_inputs(checkpoint.model, batch))
            )
        torch.testing.assert_close(several, together[i].repeat(3), atol=1e-5, rtol=0)
    assert together.std() > 1e-3, "the examples must differ for this test to mean anything"
    after = model_log_odds(checkpoint.model, example_set.batch(range(PEOPLE)))
    assert torch.equal(after, together), "no hook is left behind"


def test_token_shares_add_up_to_the_change_of_the_log_odds(checkpoint: Checkpoint) -> None:
    example_set = an_example_set(checkpoint)
    mean = example_set.batch(range(PEOPLE)).audio.mean(0, keepdim=True)
    for i in (0, 6):
        tokens, delta, change = token_attributions(
            checkpoint.model, example_set.batch([i]), mean, FULL_STOP
        )
        total = sum(part.sum() for part in tokens.values())
        assert total == pytest.approx(change, abs=0.005 * abs(change) + 1e-4)
        assert delta == pytest.approx(total - change, abs=1e-4)
        assert tokens["audio"].shape == (64,)
        assert len(tokens["DMS"]) == int(example_set.batch([i]).dms_lengths[0])


def test_a_linear_model_gives_weight_times_input() -> None:
    class Linear(torch.nn.Module):
        """Two logits, linear in the embedded words and in the sound."""

        def __init__(self) -> None:
            super().__init__()
            self.llm = torch.nn.Module()
            self.words = torch.nn.Embedding(50, 3)
            self.llm.get_input_embeddings = lambda: self.words
            self.weight = torch.nn.Parameter(torch.arange(1.0, 4.0))

        def padded(self, batch: object) -> torch.Tensor:
            prompt = self.words(batch.prompt_ids)[batch.prompt_of] @ self.weight
            dms = self.words(batch.dms_ids) @ self.weight
            total = prompt.sum(1) + 2 * dms.sum(1) + batch.audio.sum((1, 2))
            return torch.stack([torch.zeros_like(total), total], 1)

    model = Linear()
    nano_set = an_example_set(a_checkpoint("nano"))
    batch = nano_set.batch([0])
    batch = replace(batch, prompt_ids=batch.prompt_ids % 50, dms_ids=batch.dms_ids % 50)
    tokens, _, _ = token_attributions(model, batch, torch.zeros(1, 64, WIDTH), 7)  # type: ignore[arg-type]
    centred = (model.words.weight - model.words.weight[7]).detach() @ model.weight.detach()
    np.testing.assert_allclose(tokens["prompt"], centred[batch.prompt_ids[0]], atol=1e-4)
    np.testing.assert_allclose(tokens["DMS"], 2 * centred[batch.dms_ids[0]], atol=1e-4)
    np.testing.assert_allclose(tokens["audio"], batch.audio[0].sum(1), atol=1e-4)


@pytest.mark.parametrize(("inputs", "silent"), [("text", "audio"), ("audio", "DMS")])
def test_what_a_model_is_not_told_gets_nothing(inputs: str, silent: str) -> None:
    checkpoint = a_checkpoint("nano", inputs)
    found = attribute(checkpoint, an_example_set(checkpoint), range(PEOPLE), seed=3)
    assert getattr(found, f"{silent.lower()}_share") == 0
    if silent == "audio":
        assert found.check.audio is None, "equal attributions have no rank correlation"
    assert found.largest_delta < 0.05


def test_summary_is_consistent(found: Attribution) -> None:
    assert found.task_id == "S7"
    assert found.examples == found.people == PEOPLE
    assert found.audio_share + found.dms_share + found.prompt_share == pytest.approx(1)
    assert len(found.bands[0].values) == 64
    assert found.largest_delta < 0.01 * max(1, found.mean_change)
    sizes = [word.mean_absolute for word in found.words]
    assert sizes == sorted(sizes, reverse=True)
    assert all(abs(word.mean) <= word.mean_absolute + 1e-9 for word in found.words)


def test_words_are_whole_and_point_at_nobody(found: Attribution) -> None:
    dms = {word.word: word.people for word in found.words if word.part == "DMS"}
    assert dms["gender"] == dms["age"] == dms["(number)"] == PEOPLE - 1
    assert "zyzzyva" not in dms, "one person's word"
    assert all(people >= 5 for people in dms.values())
    prompt = {word.word for word in found.words if word.part == "prompt"}
    assert {"is", "it", "copd-like", "output", "or", "(number)"} == prompt


def test_words_carry_their_tokens_shares(nano: Checkpoint, found: Attribution) -> None:
    """All prompt words of one-word texts: the sum over words is the sum over tokens."""
    example_set = an_example_set(nano)
    mean = example_set.batch(range(PEOPLE)).audio.mean(0, keepdim=True)
    expected = []
    for i in range(PEOPLE):
        tokens, _, _ = token_attributions(nano.model, example_set.batch([i]), mean, FULL_STOP)
        expected.append(tokens["prompt"][1:].sum())  # the beginning of the sequence is no word
    twice = {"(number)": 2}  # "1" and "0": a person's mean of both
    total = sum(w.mean * twice.get(w.word, 1) for w in found.words if w.part == "prompt")
    assert total == pytest.approx(np.mean(expected), abs=1e-4)


def test_weights_matter_and_the_model_is_left_alone(nano: Checkpoint, found: Attribution) -> None:
    assert found.check.audio is not None
    assert found.check.audio < 0.9
    before = {name: p.clone() for name, p in nano.model.named_parameters()}
    other = shuffled_weights(nano.model, seed=1)
    again = shuffled_weights(nano.model, seed=1)
    for (name, mine), theirs, same in zip(
        nano.model.named_parameters(), other.parameters(), again.parameters(), strict=True
    ):
        assert torch.equal(mine, before[name])
        assert torch.equal(theirs, same)
        torch.testing.assert_close(mine.flatten().sort().values, theirs.flatten().sort().values)
        if name == "llm.embed_tokens.weight":
            assert torch.equal(mine, theirs)
        elif mine.unique().numel() > 10:
            assert not torch.equal(mine, theirs), name


def test_a_check_against_the_same_weights_fails(
    nano: Checkpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("respllm.audits.attribution.shuffled_weights", lambda model, seed: model)
    found = attribute(nano, an_example_set(nano), range(4), seed=3)
    assert found.check.audio == pytest.approx(1)
    assert found.check.passed is False


def test_opera_tokens_are_laid_out_in_time() -> None:
    low, high = audio_bands("opera-ct", np.arange(64.0))
    assert low.values[:9] == (0, 1, 2, 3, 4, 5, 6, 7, 16)
    assert high.values[:9] == (8, 9, 10, 11, 12, 13, 14, 15, 24)
    assert low.seconds * 32 == pytest.approx(8.192)


def test_the_compact_encoders_tokens_are_laid_out_in_four_bands() -> None:
    lowest, low, high, highest = audio_bands("htsat-small", np.arange(64.0))
    assert lowest.values == (*range(8), *range(32, 40))
    assert highest.values == (*range(24, 32), *range(56, 64))
    assert lowest.seconds * 16 == pytest.approx(8.192)
    edges = [low.low_hz, high.low_hz, highest.low_hz]
    assert [lowest.high_hz, low.high_hz, high.high_hz] == edges
    assert (lowest.low_hz, highest.high_hz) == (50, 8000)
    assert edges == sorted(edges)


def test_other_encoders_have_one_band_in_time_order() -> None:
    (band,) = audio_bands("mel-patch", np.arange(64.0))
    assert band.values == tuple(range(64))
    assert band.seconds == pytest.approx(0.128)


def test_no_example_and_two_tasks_are_refused(nano: Checkpoint) -> None:
    with pytest.raises(DataError, match="0 tasks: none"):
        attribute(nano, an_example_set(nano), [], seed=1)
    mixed = examples()
    mixed[0] = replace(mixed[0], task_id="T5")
    with pytest.raises(DataError, match="2 tasks: S7, T5"):
        attribute(nano, an_example_set(nano, mixed), range(PEOPLE), seed=1)
