"""Logits come in their own order, and a failure leaves the model as it was."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import pytest
import torch

from respllm.batching import Batch
from respllm.models import OutOfMemoryError, predict_logits
from tests.training.stub import Stub, example_set


def test_logits_are_in_the_order_asked_for() -> None:
    model, examples = Stub().train(), example_set(40)
    whole = predict_logits(model, examples, batch_size=7)
    assert model.training
    np.testing.assert_allclose(predict_logits(model, examples, [5, 0, 39]), whole[[5, 0, 39]])
    assert predict_logits(model, examples, []).shape == (0,)


def test_an_error_leaves_the_mode_and_no_thread() -> None:
    class Broken:
        """The third batch cannot be read."""

        def __init__(self) -> None:
            self.whole, self.read = example_set(40), 0
            self.examples = self.whole.examples

        def __len__(self) -> int:
            return 40

        def sort_key(self, index: int) -> int:
            return index

        def batch(self, indices: Sequence[int]) -> Batch:
            self.read += 1
            if self.read == 3:
                raise ValueError("the disk is gone")
            return self.whole.batch(indices)

    model, threads = Stub().train(), threading.active_count()
    with pytest.raises(ValueError, match="disk"):
        predict_logits(model, Broken(), batch_size=4)
    assert model.training
    assert threading.active_count() == threads
    assert torch.is_grad_enabled()


@pytest.mark.parametrize("room", [31, 16, 5, 1])
def test_with_too_little_memory_fewer_are_computed_at_once(
    room: int, caplog: pytest.LogCaptureFixture
) -> None:
    class Small(Stub):
        sizes: ClassVar[list[int]] = []

        def forward(self, batch: Batch) -> torch.Tensor:
            self.sizes.append(len(batch.audio))
            if len(batch.audio) > room:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return super().forward(batch)

    examples, small = example_set(70), Small()
    small.sizes.clear()
    found = predict_logits(small, examples)
    np.testing.assert_allclose(found, predict_logits(Stub(), examples), rtol=1e-6)
    too_much = [size for size in small.sizes if size > room]
    assert too_much == sorted(set(too_much), reverse=True), "no size is tried twice"
    assert f"{max(s for s in small.sizes if s <= room)} examples are answered" in caplog.text


def test_when_one_example_is_too_much_it_says_what_to_do() -> None:
    class Full(Stub):
        def forward(self, batch: Batch) -> torch.Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(OutOfMemoryError, match=r"answer to one example.*Next: .*bfloat16"):
        predict_logits(Full(), example_set(5))
