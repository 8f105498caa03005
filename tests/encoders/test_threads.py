from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from respllm.encoders.threads import over_threads


@pytest.fixture(autouse=True)
def _three_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(("size", "parts"), [(8, [2, 3, 3]), (2, [1, 1, 1, 1, 2, 2])])
def test_each_part_is_computed_alone_and_in_its_place(size: int, parts: list[int]) -> None:
    seen: list[tuple[int, int]] = []

    def work(part: torch.Tensor) -> torch.Tensor:
        seen.append((len(part), torch.get_num_threads()))
        return 2 * part

    batch = torch.arange(8.0)[:, None]
    assert torch.equal(over_threads(work, batch, size), 2 * batch)
    assert sorted(seen) == [(part, 1) for part in parts]
    assert torch.get_num_threads() == 3


def test_a_small_batch_is_one_part_for_all_threads() -> None:
    seen: list[tuple[int, int]] = []

    def work(part: torch.Tensor) -> torch.Tensor:
        seen.append((len(part), torch.get_num_threads()))
        return part

    over_threads(work, torch.zeros(1, 1), 4)
    assert seen == [(1, 3)]


def test_an_error_comes_back_and_the_threads_are_free_again() -> None:
    def work(part: torch.Tensor) -> torch.Tensor:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        over_threads(work, torch.zeros(6, 1), 4)
    assert torch.get_num_threads() == 3
