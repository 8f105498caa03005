"""Batches come in order, one is read ahead, and an error comes where its batch's turn is."""

from __future__ import annotations

import threading

import pytest

from respllm.batching import ahead


def test_results_come_in_order_beside_their_items() -> None:
    assert list(ahead(lambda n: n * n, range(5))) == [(n, n * n) for n in range(5)]
    assert list(ahead(str, [])) == []


def test_one_item_is_made_while_the_one_before_is_used() -> None:
    made: list[int] = []
    second = threading.Event()

    def work(n: int) -> int:
        made.append(n)
        if n == 1:
            second.set()
        return n

    results = ahead(work, range(10))
    next(results)
    assert second.wait(10), "the next one is made without being asked for"
    assert max(made) <= 2
    results.close()


def test_an_error_is_raised_at_its_item() -> None:
    results = ahead(lambda n: 1 // (2 - n), range(5))
    assert next(results) == (0, 0)
    assert next(results) == (1, 1)
    with pytest.raises(ZeroDivisionError):
        next(results)
