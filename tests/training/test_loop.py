"""The loop learns, repeats itself to the bit, goes on where it was, and stops when it should."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import Accelerator
from torch import nn

from respllm.batching import Batch, mixed_batches
from respllm.config import ModelConfig, TrainingConfig
from respllm.models import assemble, load_llm, trained_state
from respllm.training.loop import Start, TrainingDivergedError, optimise
from respllm.training.schedule import learning_rate
from respllm.training.state import Progress, load_state, save_state
from tests.training.stub import WIDTH, Notebook, Stub, example_set

TRAIN, VALIDATION = example_set(21), example_set(16, seed=1)
LEARNING = TrainingConfig(epochs=20, batch_size=4, learning_rate=0.03)


def config(**settings: Any) -> TrainingConfig:
    return TrainingConfig(**{"epochs": 3, "batch_size": 4, "learning_rate": 0.01} | settings)


def train(
    settings: TrainingConfig,
    model: nn.Module | None = None,
    notebook: Notebook | None = None,
    start: Start | None = None,
    seed: int = 5,
    **sets: Any,
) -> tuple[dict[str, torch.Tensor], Progress, Notebook]:
    model, notebook = model or Stub(), notebook or Notebook()
    progress = optimise(
        model,
        sets.get("train", TRAIN),
        sets.get("validation", VALIDATION),
        settings,
        seed,
        Accelerator(cpu=True),
        notebook,
        start,
    )
    weights = {name: weight.clone() for name, weight in trained_state(model).items()}
    return weights, progress, notebook


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first | second)


def test_it_learns_and_the_seed_decides_everything() -> None:
    first, progress, notebook = train(LEARNING)
    torch.manual_seed(1234)  # the state of the world outside does not matter
    again, _, _ = train(LEARNING)
    other, _, _ = train(LEARNING, seed=6)
    assert same(first, again)
    assert not same(first, other)
    assert progress.best is not None
    assert progress.best > 0.9
    assert np.mean(notebook.losses[-6:]) < 0.7 * np.mean(notebook.losses[:6])


def test_nano_repeats_itself_to_the_bit() -> None:
    """Left alone, threads add the gradients of a shared prompt in the order they come."""
    states = []
    for _ in range(3):
        model = assemble(
            load_llm(ModelConfig(llm="nano"), 0).model, ModelConfig(llm="nano"), WIDTH, 0
        )
        states.append(train(config(epochs=4, batch_size=16), model, train=example_set(48))[0])
    assert same(states[0], states[1])
    assert same(states[0], states[2])


def test_the_deterministic_mode_ends_with_the_training() -> None:
    train(config(epochs=1))
    assert not torch.are_deterministic_algorithms_enabled()
    assert torch.utils.deterministic.fill_uninitialized_memory  # type: ignore[attr-defined]


@pytest.mark.parametrize("kill_at", [1, 3, 6, 7, 12, 17])
def test_a_training_killed_at_any_step_goes_on_to_the_same_weights(
    kill_at: int, tmp_path: Path
) -> None:
    settings = config(evaluations_per_epoch=2, weight_decay=0.1)
    expected, end, whole = train(settings)
    path = tmp_path / "state.pt"
    model = Stub()

    class Saving(Notebook):
        def save(self, progress: Progress, optimizer: dict[str, Any]) -> None:
            save_state(path, progress, trained_state(model), optimizer)

    with pytest.raises(KeyboardInterrupt):
        train(settings, model, Saving(kill_at=kill_at))
    start = Start(*load_state(path)) if path.exists() else None
    assert (start is not None) == (kill_at > 3)
    weights, progress, rest = train(settings, start=start)
    assert same(weights, expected)
    assert progress == end
    done = len(whole.losses) - len(rest.losses)
    assert rest.losses == whole.losses[done:]
    assert rest.rates == whole.rates[done:]


def test_a_finished_training_has_nothing_to_go_on_with(tmp_path: Path) -> None:
    settings = config()
    weights, end, notebook = train(settings)
    save_state(tmp_path / "state.pt", end, weights, notebook.optimizer)
    again, progress, rest = train(settings, start=Start(*load_state(tmp_path / "state.pt")))
    assert rest.losses == []
    assert progress == end
    assert same(again, weights)


@pytest.mark.parametrize("micro", [1, 3, 4])
def test_accumulated_gradients_are_those_of_the_whole_batch(micro: int) -> None:
    weights = np.linspace(0.2, 2, 21).astype(np.float32)
    weighted = example_set(21, weights=weights)
    whole, _, first = train(config(batch_size=7), Stub(dropout=0), train=weighted)
    parts, _, second = train(
        config(batch_size=7, micro_batch_size=micro), Stub(dropout=0), train=weighted
    )
    assert second.losses == pytest.approx(first.losses, rel=1e-5)
    for name, weight in whole.items():
        torch.testing.assert_close(parts[name], weight, atol=1e-5, rtol=1e-4)


def test_the_loss_gives_every_example_its_own_weight_whatever_the_batch() -> None:
    weights = np.linspace(0.2, 2, 21).astype(np.float32)
    weighted = example_set(21, weights=weights)
    _, _, notebook = train(config(), Stub(dropout=0), train=weighted)
    rows = mixed_batches(21, 4, seed=5, epoch=0)[0].tolist()
    batch = weighted.batch(rows)
    logits = Stub(dropout=0)(batch).double()
    each = nn.functional.cross_entropy(logits, batch.labels, reduction="none")
    expected = (each * batch.weights).sum() / len(rows)
    assert notebook.losses[0] == pytest.approx(expected.item(), rel=1e-6)


def test_the_gradient_is_clipped() -> None:
    def step_length(clip: float | None) -> float:
        settings = config(
            epochs=1, batch_size=21, gradient_clip=clip, warmup_fraction=0, optimizer="adam"
        )
        model = Stub(dropout=0)
        train(settings, model)
        gradients = [p.grad for p in model.parameters() if p.grad is not None]
        return float(torch.cat([g.flatten() for g in gradients]).norm())

    assert step_length(0.001) == pytest.approx(0.001, rel=1e-3)
    assert step_length(None) > 0.01


def test_bfloat16_trains_float32_weights() -> None:
    exact, _, full = train(config(epochs=2), Stub(dropout=0))
    rounded, _, half = train(config(epochs=2, bf16=True), Stub(dropout=0))
    assert all(weight.dtype == torch.float32 for weight in rounded.values())
    assert not same(exact, rounded)
    assert half.losses == pytest.approx(full.losses, abs=0.02)
    again, _, _ = train(config(epochs=2), Stub(dropout=0))
    assert same(exact, again), "one process may train in both"


@pytest.mark.parametrize("micro", [None, 2])
def test_a_diverging_loss_names_step_and_records(micro: int | None) -> None:
    class Breaking(Stub):
        calls = 0

        def forward(self, batch: Batch) -> torch.Tensor:
            self.calls += 1
            factor = float("nan") if self.calls > (4 if micro is None else 8) else 1.0
            return super().forward(batch) * factor

    notebook = Notebook()
    with pytest.raises(TrainingDivergedError) as caught:
        train(config(micro_batch_size=micro), Breaking(), notebook)
    rows = mixed_batches(21, 4, seed=5, epoch=0)[4][:micro]
    assert "The loss is nan at step 5" in str(caught.value)
    assert caught.value.where == "records " + ", ".join(f"d/r{row}" for row in rows)
    assert "learning rate" in str(caught.value)
    assert len(notebook.losses) == 4


def scripted(monkeypatch: pytest.MonkeyPatch, aurocs: list[float]) -> None:
    """Let the validations find these."""
    values = iter(aurocs)
    monkeypatch.setattr(
        "respllm.training.loop.task_aurocs", lambda examples, logits: {"S1": next(values)}
    )


def test_it_stops_when_validation_no_longer_improves(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, [0.6, 0.7, 0.7, 0.69, 0.9])
    _, progress, notebook = train(config(epochs=9, patience=2))
    assert notebook.improved == [True, True, False, False]
    assert (progress.step, progress.stopped) == (4 * 6, True)
    assert (progress.best, progress.best_step) == (0.7, 2 * 6)
    assert progress.aurocs == {"S1": 0.7}


def test_patience_counts_from_the_last_improvement(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, [0.6, 0.5, 0.7, 0.6, 0.8])
    _, progress, _ = train(config(epochs=5, patience=2))
    assert (progress.stopped, progress.best, progress.best_step) == (False, 0.8, 30)


def test_without_patience_it_never_stops(monkeypatch: pytest.MonkeyPatch) -> None:
    scripted(monkeypatch, [0.9, 0.5, 0.4, 0.3])
    _, progress, _ = train(config(epochs=4, patience=None))
    assert (progress.step, progress.stopped, progress.best_step) == (24, False, 6)


def test_without_validation_subjects_the_last_model_is_kept() -> None:
    _, progress, notebook = train(config(patience=1), validation=example_set(0))
    assert notebook.improved == [True, True, True]
    assert (progress.step, progress.best_step, progress.best) == (18, 18, None)


def test_validations_are_spread_over_the_epoch_and_state_is_saved_with_each() -> None:
    _, _, notebook = train(config(epochs=2, evaluations_per_epoch=3))
    assert notebook.validated_at == [2, 4, 6, 8, 10, 12]
    assert notebook.saved_at == notebook.validated_at


def test_state_is_saved_between_validations_too() -> None:
    _, _, notebook = train(config(epochs=1, save_minutes=1e-9))
    assert notebook.saved_at == [1, 2, 3, 4, 5, 6]


def test_the_loop_uses_that_rate() -> None:
    settings = config(warmup_fraction=0.2)
    _, _, notebook = train(settings)
    assert notebook.rates == [learning_rate(0.01, 0.2, step, 18) for step in range(18)]
