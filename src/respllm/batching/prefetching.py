"""The next batch is read while the current one is computed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def ahead(work: Callable[[Item], Result], items: Iterable[Item]) -> Generator[tuple[Item, Result]]:
    """Each item with what `work` makes of it, in order; the next is made in a thread meanwhile.

    An error of `work` is raised where its item's turn is.
    """
    with ThreadPoolExecutor(1) as pool:
        waiting = None
        for item in items:
            made = pool.submit(work, item)
            if waiting is not None:
                yield waiting[0], waiting[1].result()
            waiting = item, made
        if waiting is not None:
            yield waiting[0], waiting[1].result()
