"""Sounds learn to lie near the words for them before a run's first epoch, if it asks for that."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from rich.console import Console

from respllm.batching import Heard
from respllm.config import ModelConfig, TrainingConfig
from respllm.models import assemble, load_llm
from respllm.models.projecting import start_projector
from respllm.models.respllm import RespLLM
from respllm.training import RunFolder, train
from respllm.training.aligning import AlignmentSummary, _loss, align
from respllm.training.loop import TrainingDivergedError
from respllm.training.observing import RunRecorder
from respllm.types import Dms
from tests.models.baselines.making import WIDTH, example, heard
from tests.training.stub import TOKENIZER
from tests.training.test_train import config_of, weights_of

TEXTS = ("cough sounds, COVID19.", "cough sounds, non-COVID19.", "lung sounds, with wheezes.")
SETTINGS = TrainingConfig(alignment_epochs=10, learning_rate=1e-2)


def sounds(size: int = 60) -> tuple[Heard, list[str]]:
    """Clips of which another dimension is loud for each text."""
    random = np.random.default_rng(0)
    kinds = np.arange(size) % len(TEXTS)
    tokens = 3 + random.standard_normal((size, 64, WIDTH))
    tokens[np.arange(size), :, kinds] += 1
    examples = [example("S2", number, 1, Dms()) for number in range(size)]
    return heard(examples, tokens), [TEXTS[kind] for kind in kinds]


def a_model(clips: Heard) -> RespLLM:
    settings = ModelConfig(llm="nano")
    model = assemble(load_llm(settings, 0).model, settings, WIDTH, 0)
    start_projector(model, clips.tokens(range(len(clips.examples))), 0)
    return model


def aligned(
    seed: int = 0, settings: TrainingConfig = SETTINGS, **options: Any
) -> tuple[RespLLM, AlignmentSummary]:
    clips, texts = sounds()
    model = a_model(clips)
    weights = np.ones(len(texts), np.float32)
    return model, align(model, clips, texts, weights, TOKENIZER, settings, seed, **options)


def test_the_right_text_becomes_the_nearest() -> None:
    _, summary = aligned()
    assert (summary.epochs, summary.texts) == (10, 3)
    assert summary.nearest_before < 0.7
    assert summary.nearest_after == 1


def test_only_the_projector_learns_and_nothing_random_is_drawn() -> None:
    torch.manual_seed(5)
    before = a_model(sounds()[0]).state_dict()
    drawn = torch.get_rng_state(), np.random.get_state()[1]
    model, _ = aligned()
    assert torch.equal(torch.get_rng_state(), drawn[0])
    assert np.array_equal(np.random.get_state()[1], drawn[1])
    moved = {name for name, weight in model.state_dict().items() if not weight.equal(before[name])}
    assert moved == {"projector.weight", "projector.bias"}
    assert all(parameter.grad is None for parameter in model.parameters())


def test_the_seed_alone_decides_the_weights() -> None:
    one, again, other = (aligned(seed)[0].projector for seed in (1, 1, 2))
    assert torch.equal(one.weight, again.weight)
    assert torch.equal(one.bias, again.bias)
    assert not torch.equal(one.weight, other.weight)


def test_projected_tokens_stay_as_large_as_they_began() -> None:
    clips, _ = sounds()
    tokens = torch.from_numpy(clips.tokens(range(len(clips.examples))))
    sizes = [
        model.projector(tokens).square().mean().sqrt().item()
        for model in (a_model(clips), aligned()[0])
    ]
    assert sizes[1] == pytest.approx(sizes[0], rel=1e-5)


def test_clips_of_one_text_are_not_driven_apart() -> None:
    """Where every clip is at its text, nothing is left to learn but their shares of it."""
    logits = torch.tensor([[40.0, 0], [40, 0], [40, 0], [0, 40]], requires_grad=True)
    text_of = torch.tensor([0, 0, 0, 1])
    _loss(logits, text_of, torch.ones(4)).backward()
    assert logits.grad is not None
    assert logits.grad.abs().max() < 1e-6


def test_a_clip_counts_by_its_weight() -> None:
    """Two clips sound alike and have different texts: the heavier has its way."""
    logits = torch.zeros((2, 2), requires_grad=True)
    _loss(logits, torch.tensor([0, 1]), torch.tensor([1.5, 0.5])).backward()
    assert logits.grad is not None
    pull = -logits.grad.sum(0)
    assert pull[0] > 0 > pull[1]


def test_the_note_says_how_often_the_right_text_is_nearest() -> None:
    shown = StringIO()
    aligned(console=Console(file=shown, width=200))
    (line,) = shown.getvalue().splitlines()
    assert line.startswith("aligned: of 3 texts the right one is the nearest to 100% of")


def test_a_loss_that_is_no_number_stops_the_stage_and_names_the_records() -> None:
    clips, texts = sounds()
    model = a_model(clips)
    broken = clips.tokens(range(len(texts)))
    broken[7] = np.nan
    one = heard(clips.examples, broken)
    with pytest.raises(TrainingDivergedError, match="of the alignment") as caught:
        align(model, one, texts, np.ones(len(texts), np.float32), TOKENIZER, SETTINGS, 0)
    assert clips.examples[7].clip.record.record_id in str(caught.value)


def test_a_run_aligns_first_and_goes_on_with_the_same_weights(
    trained_run: Path, small_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = config_of(trained_run, alignment_epochs=1)
    whole, out = tmp_path / "whole", tmp_path / "run"
    shown = StringIO()
    train(config, small_cohort, whole, console=Console(file=shown, width=200))
    assert shown.getvalue().count("aligned: ") == 1
    about = RunFolder(whole).read_record()["alignment"]
    assert set(about) == {"epochs", "texts", "nearest_before", "nearest_after"}
    assert about["epochs"] == 1
    assert about["texts"] > 4, "two answers of S7 at several places, and two of S6"
    assert about["nearest_after"] > about["nearest_before"]
    assert weights_of(whole) != weights_of(trained_run)

    real_save = RunRecorder.save

    def save(self: RunRecorder, *args: Any) -> None:
        real_save(self, *args)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunRecorder, "save", save)
        with pytest.raises(KeyboardInterrupt):
            train(config, small_cohort, out)
    assert RunFolder(out).read_record()["alignment"] == about
    resumed = StringIO()
    train(config, small_cohort, out, resume=True, console=Console(file=resumed, width=200))
    assert "aligned" not in resumed.getvalue()
    assert weights_of(out) == weights_of(whole)
    assert RunFolder(out).read_record()["alignment"] == about


@pytest.mark.parametrize("kind", ["deaf", "not fresh", "not asked"])
def test_a_run_without_the_stage_says_so(
    trained_run: Path, small_cohort: Path, tmp_path: Path, kind: str
) -> None:
    config = config_of(trained_run, epochs=1, alignment_epochs=0 if kind == "not asked" else 1)
    if kind == "deaf":
        config = config.model_copy(update={"model": ModelConfig(llm="nano", inputs="text")})
    if kind == "not fresh":
        config = config.model_copy(update={"init_from": trained_run})
    train(config, small_cohort, tmp_path)
    assert RunFolder(tmp_path).read_record()["alignment"] is None
