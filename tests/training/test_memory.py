"""The GPU's memory is full: half is computed at once, and the training is the one of that half."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from rich.console import Console
from torch import nn

from respllm.batching import Batch
from respllm.config import TrainingConfig
from respllm.models import OutOfMemoryError, RespLLM, trained_state
from respllm.training import RunFolder, train
from respllm.training.loop import Start, TrainingDivergedError, optimise
from respllm.training.state import Progress, load_state, save_state
from tests.training.stub import Notebook, Stub, example_set
from tests.training.test_train import config_of, weights_of

TRAIN, VALIDATION = example_set(21), example_set(16, seed=1)


class Small(Stub):
    """Has room for `room` examples while it is trained, from its step `since` on.

    It counts what it saw, as batch norm does, and is out of memory forwards or backwards.
    """

    def __init__(self, room: int, since: int = 1, backwards: bool = False) -> None:
        super().__init__()
        self.room, self.since, self.backwards = room, since, backwards
        self.norm = nn.BatchNorm1d(6)
        self.sizes: list[int] = []

    def forward(self, batch: Batch) -> torch.Tensor:
        normed = self.norm(batch.audio.transpose(1, 2)).mean(2)
        if self.training:
            self.sizes.append(len(normed))
            if len(self.sizes) >= self.since and len(normed) > self.room:
                if not self.backwards:
                    raise torch.OutOfMemoryError("CUDA out of memory")
                normed.requires_grad_()
                normed.register_hook(self._full)
        return self.layers(normed)

    @staticmethod
    def _full(gradient: torch.Tensor) -> None:
        raise torch.cuda.OutOfMemoryError("CUDA out of memory")


def config(**settings: Any) -> TrainingConfig:
    return TrainingConfig(**{"epochs": 3, "batch_size": 8, "learning_rate": 0.01} | settings)


def run(
    model: nn.Module, notebook: Notebook | None = None, start: Start | None = None, **settings: Any
) -> tuple[dict[str, torch.Tensor], Progress, Notebook]:
    notebook = notebook or Notebook()
    accelerator = Accelerator(cpu=True)
    progress = optimise(
        model, TRAIN, VALIDATION, config(**settings), 5, accelerator, notebook, start
    )
    state = model.state_dict()
    return {name: value.clone() for name, value in state.items()}, progress, notebook


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[name], second[name]) for name in first | second)


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize(("room", "micro"), [(4, 4), (7, 4), (3, 2), (2, 2)])
def test_it_is_the_training_with_that_micro_batch_from_the_start(
    room: int, micro: int, backwards: bool
) -> None:
    halved, progress, notebook = run(Small(room, backwards=backwards))
    asked, expected, other = run(Small(99), micro_batch_size=micro)
    assert same(halved, asked), "weights, and what batch norm counted"
    assert notebook.losses == other.losses
    assert progress.micro_batch_size == micro
    assert expected.halved == []
    assert notebook.halvings == [(1, size, 8) for size in (4, 2) if size >= micro]


def test_from_a_later_step_on_the_batch_stays_what_it_was() -> None:
    """What was read ahead in the old size is computed in the new one too."""

    class Free(Small):  # without dropout and batch norm, whose numbers depend on the size
        def __init__(self, *args: int) -> None:
            super().__init__(*args)
            self.layers = Stub(dropout=0).layers
            self.norm = nn.Identity()

    model = Free(4, 3)
    halved, progress, notebook = run(model)
    whole, _, other = run(Free(99))
    assert progress.halved == [(3, 3)], "the third batch of an epoch has five examples"
    assert model.sizes[:3] == [8, 8, 5]
    assert max(model.sizes[3:]) == 3
    assert notebook.losses == pytest.approx(other.losses, rel=1e-5)
    for name, weight in whole.items():
        torch.testing.assert_close(halved[name], weight, atol=1e-5, rtol=1e-4)


def test_when_one_example_is_too_much_it_stops_and_says_so() -> None:
    model, notebook = Small(0, since=3), Notebook()
    with pytest.raises(OutOfMemoryError, match=r"one example at step 3.*gradient_checkpointing"):
        run(model, notebook)
    assert [told[:2] for told in notebook.halvings] == [(3, 3), (3, 2), (3, 1)]
    assert len(notebook.losses) == 2


@pytest.mark.parametrize("kill_at", [4, 6, 8])
def test_a_resumed_training_remembers_what_fits(kill_at: int, tmp_path: Path) -> None:
    def small() -> Small:
        return Small(4, since=2)

    class Saving(Notebook):
        def save(self, progress: Progress, optimizer: dict[str, Any]) -> None:
            save_state(tmp_path / "state.pt", progress, trained_state(model), optimizer)

    # Batch norm's counts are no part of a state: a model without them.
    def plain(model: Small) -> Small:
        model.norm = nn.Identity()  # type: ignore[assignment]
        return model

    expected, end, _ = run(plain(small()))
    model = plain(small())
    with pytest.raises(KeyboardInterrupt):
        run(model, Saving(kill_at=kill_at))
    start = Start(*load_state(tmp_path / "state.pt"))
    assert start.progress.halved == [(2, 4)]
    resumed, progress, _ = run(plain(Small(99)), start=start)
    assert same(resumed, expected)
    assert progress == end


def test_a_run_says_so_on_the_console_and_in_its_record(
    trained_run: Path, small_cohort: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = RespLLM.forward

    def small(self: RespLLM, batch: Batch, *args: Any) -> torch.Tensor:
        if self.training and len(batch.audio) > 4:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(self, batch, *args)

    shown = StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(RespLLM, "forward", small)
        settings = config_of(trained_run, epochs=1)
        train(settings, small_cohort, tmp_path / "run", console=Console(file=shown, width=200))
    train(config_of(trained_run, epochs=1, micro_batch_size=4), small_cohort, tmp_path / "asked")
    assert weights_of(tmp_path / "run") == weights_of(tmp_path / "asked")
    assert "step 1: 8 examples" in shown.getvalue()
    assert "step 1: 4 examples are computed at once" in shown.getvalue()
    assert "still learns from 16" in shown.getvalue()
    record = RunFolder(tmp_path / "run").read_record()
    assert [one["micro_batch_size"] for one in record["out_of_memory"]] == [8, 4]
    assert RunFolder(tmp_path / "asked").read_record()["out_of_memory"] == []
    json.dumps(record, allow_nan=False)


@pytest.mark.parametrize("clip", [1.0, None])
def test_a_gradient_that_is_no_number_is_never_learned_from(
    clip: float | None, tmp_path: Path
) -> None:
    """A finite loss may have such a gradient; the weights and the state stay those before."""

    class Steep(Stub):
        calls = 0

        def forward(self, batch: Batch) -> torch.Tensor:
            logits = super().forward(batch)
            self.calls += self.training
            if self.training and self.calls > 7:
                logits = logits + (logits * 0).abs().sqrt()  # 0, with an infinite slope
            return logits

    model, at_step = Steep(), {}

    class Saving(Notebook):
        def step(self, progress: Progress, *args: Any) -> None:
            at_step[progress.step] = {n: w.clone() for n, w in trained_state(model).items()}

        def save(self, progress: Progress, optimizer: dict[str, Any]) -> None:
            save_state(tmp_path / "state.pt", progress, trained_state(model), optimizer)

    with pytest.raises(TrainingDivergedError, match=r"gradient is nan at step 8.*records d/r"):
        run(model, Saving(), gradient_clip=clip)
    assert same(trained_state(model), at_step[7])
    progress, weights, _ = load_state(tmp_path / "state.pt")
    assert progress.step == 6
    assert same(weights, at_step[6])


def test_a_validation_that_does_not_fit_is_done_in_halves() -> None:
    """The AUROCs, the selection and the weights are those of a GPU with more memory."""

    class Validating(Stub):
        def forward(self, batch: Batch) -> torch.Tensor:
            if not self.training and len(batch.audio) > 3:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().forward(batch)

    found, progress, notebook = run(Validating())
    expected, whole, other = run(Stub())
    assert same(found, expected)
    assert progress == whole
    assert notebook.improved == other.improved


def test_a_validation_of_which_one_example_is_too_much_stops_after_its_step() -> None:
    class Validating(Stub):
        def forward(self, batch: Batch) -> torch.Tensor:
            if not self.training:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().forward(batch)

    with pytest.raises(OutOfMemoryError, match="one example"):
        run(Validating())


@pytest.mark.parametrize("at", [1, 6])
def test_an_optimiser_without_room_stops_and_the_resumed_run_is_the_undisturbed_one(
    at: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have moved some of the weights already."""
    real, steps = torch.optim.AdamW.step, 0

    def step(self: torch.optim.AdamW, *args: Any) -> None:
        nonlocal steps
        steps += 1
        if steps == at:
            with torch.no_grad():
                self.param_groups[0]["params"][0].add_(1.0)
            raise torch.OutOfMemoryError("CUDA out of memory")
        real(self, *args)

    class Saving(Notebook):
        def save(self, progress: Progress, optimizer: dict[str, Any]) -> None:
            save_state(tmp_path / "state.pt", progress, trained_state(model), optimizer)

    expected, end, _ = run(Stub())
    model = Stub()
    with monkeypatch.context() as patch:
        patch.setattr(torch.optim.AdamW, "step", step)
        message = rf"optimiser's state at step {at}\..*--resume"
        with pytest.raises(OutOfMemoryError, match=message):
            run(model, Saving())
    state = tmp_path / "state.pt"
    assert state.exists() == (at > 3), "the first epoch has three steps"
    resumed, progress, _ = run(Stub(), start=Start(*load_state(state)) if at > 3 else None)
    assert same(resumed, expected)
    assert progress == end
