"""Requests that arrive together are answered together, and nobody waits without a bound."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

import pytest

from respllm.errors import AudioError
from respllm.server.gathering import Gatherer
from respllm.server.metrics import Metrics
from respllm.server.problems import ProblemError
from respllm.server.settings import Settings
from tests.server.looping import run_async

SETTINGS = Settings(hearing_threads=2, at_once=4, max_waiting=8, answer_seconds=5)


@dataclass(frozen=True)
class Heard:
    number: int
    n_clips: int = 1


class Model:
    """Doubles numbers, remembers its batches, and can be held up."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.heard: list[int] = []
        self.go = threading.Event()
        self.go.set()

    def hear(self, number: int) -> Heard:
        self.heard.append(number)
        if number < 0:
            raise AudioError("negative")
        return Heard(number, 10 if number >= 100 else 1)

    def ask(self, heard: Sequence[Heard]) -> list[int]:
        self.go.wait(5)
        self.batches.append([one.number for one in heard])
        if any(one.number == 13 for one in heard):
            raise RuntimeError("13")
        return [2 * one.number for one in heard]


Gathering = Gatherer[int, Heard, int]


def run(
    work: Callable[[Gathering, Model], Awaitable[None]], settings: Settings = SETTINGS
) -> Metrics:
    async def main() -> Metrics:
        model, metrics = Model(), Metrics()
        gatherer: Gathering = Gatherer(model.hear, model.ask, settings, metrics)
        gatherer.start()
        try:
            await asyncio.wait_for(work(gatherer, model), 10)
        finally:
            model.go.set()
            await asyncio.wait_for(gatherer.close(), 10)
        return metrics

    return run_async(main())


async def until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.005)


def test_one_is_answered_at_once_and_a_crowd_in_batches() -> None:
    async def work(gatherer: Gathering, model: Model) -> None:
        assert await gatherer.answer(1) == 2
        assert model.batches == [[1]]
        model.go.clear()
        first = asyncio.create_task(gatherer.answer(2))
        await until(lambda: 2 in model.heard)
        await asyncio.sleep(0.05)
        rest = [asyncio.create_task(gatherer.answer(n)) for n in range(3, 9)]
        await until(lambda: len(model.heard) == 8)
        model.go.set()
        assert await asyncio.gather(first, *rest) == [2 * n for n in range(2, 9)]
        assert [len(batch) for batch in model.batches] == [1, 1, 4, 2]

    run(work)


def test_long_recordings_do_not_share_a_batch_beyond_its_clips() -> None:
    async def work(gatherer: Gathering, model: Model) -> None:
        model.go.clear()
        tasks = [asyncio.create_task(gatherer.answer(n)) for n in (1, 100, 101, 102)]
        await until(lambda: len(model.heard) == 4)
        model.go.set()
        await asyncio.gather(*tasks)
        assert max(sum(10 if n >= 100 else 1 for n in batch) for batch in model.batches) <= 20

    run(work, replace(SETTINGS, at_once_clips=20))


def test_a_full_queue_says_when_to_come_again() -> None:
    async def work(gatherer: Gathering, model: Model) -> None:
        model.go.clear()
        taken = [asyncio.create_task(gatherer.answer(n)) for n in range(8)]
        await until(lambda: len(model.heard) == 8)
        with pytest.raises(ProblemError) as refusal:
            await gatherer.answer(9)
        assert refusal.value.kind.status == 429
        assert 1 <= int(refusal.value.headers["Retry-After"]) <= 60
        model.go.set()
        assert await asyncio.gather(*taken) == [2 * n for n in range(8)]
        assert await gatherer.answer(9) == 18

    assert 'respllm_refusals_total{reason="queue"} 1.0' in run(work).text().decode()


def test_what_cannot_be_heard_is_refused_alone() -> None:
    async def work(gatherer: Gathering, model: Model) -> None:
        with pytest.raises(AudioError, match="negative"):
            await gatherer.answer(-1)
        assert await gatherer.answer(1) == 2

    run(work)


def test_one_that_breaks_the_model_costs_the_others_nothing() -> None:
    async def work(gatherer: Gathering, model: Model) -> None:
        model.go.clear()
        tasks = [asyncio.create_task(gatherer.answer(n)) for n in (1, 12, 13, 14)]
        await until(lambda: len(model.heard) == 4)
        model.go.set()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert isinstance(found[2], RuntimeError)
        assert [found[0], found[1], found[3]] == [2, 24, 28]

    run(work)


def test_a_request_that_waited_too_long_is_told_and_never_computed() -> None:
    async def work(gatherer: Gathering, model: Model) -> None:
        model.go.clear()
        blocking = asyncio.create_task(gatherer.answer_whenever(1))
        await until(lambda: 1 in model.heard)
        await asyncio.sleep(0.05)
        begun = time.monotonic()
        with pytest.raises(ProblemError) as late:
            await gatherer.answer(2)
        assert time.monotonic() - begun < 1
        assert late.value.kind.name == "too-late"
        model.go.set()
        assert await blocking == 2
        assert await gatherer.answer(3) == 6
        assert model.batches == [[1], [3]]

    run(work, replace(SETTINGS, answer_seconds=0.2))


def test_who_goes_away_is_passed_over_and_gives_their_place_back() -> None:
    async def work(gatherer: Gathering, model: Model) -> None:
        model.go.clear()
        tasks = [asyncio.create_task(gatherer.answer(n)) for n in range(8)]
        await until(lambda: len(model.heard) == 8)
        for task in tasks[1:]:
            task.cancel()
        await asyncio.gather(*tasks[1:], return_exceptions=True)
        others = [asyncio.create_task(gatherer.answer(n)) for n in range(20, 27)]
        await until(lambda: len(model.heard) == 15)
        model.go.set()
        await asyncio.gather(tasks[0], *others)
        assert sorted(n for batch in model.batches[1:] for n in batch) == list(range(20, 27))

    run(work)


def test_closing_answers_what_was_taken_in_and_takes_nothing_more() -> None:
    async def work(gatherer: Gathering, model: Model) -> None:
        model.go.clear()
        taken = asyncio.create_task(gatherer.answer(1))
        await until(lambda: 1 in model.heard)
        gatherer.stop_taking()
        assert gatherer.is_closing
        with pytest.raises(ProblemError) as refusal:
            await gatherer.answer(2)
        assert refusal.value.kind.status == 503
        closing = asyncio.create_task(gatherer.close())
        await asyncio.sleep(0.05)
        assert not closing.done()
        model.go.set()
        assert await taken == 2
        await closing

    run(work)


def test_longer_work_is_done_between_batches_and_bounded() -> None:
    async def work(gatherer: Gathering, model: Model) -> None:
        hold = threading.Event()
        first = asyncio.create_task(gatherer.alone(lambda: hold.wait(5)))
        second = asyncio.create_task(gatherer.alone(lambda: hold.wait(5)))
        await asyncio.sleep(0.05)
        with pytest.raises(ProblemError) as refusal:
            await gatherer.alone(lambda: True)
        assert refusal.value.kind.status == 429
        waiting = asyncio.create_task(gatherer.answer(1))
        await asyncio.sleep(0.05)
        assert not waiting.done()
        hold.set()
        assert await asyncio.gather(first, second, waiting) == [True, True, 2]

    run(work, replace(SETTINGS, max_attributions=2))


def test_who_left_leaves_nothing_behind() -> None:
    async def work(gatherer: Gathering, model: Model) -> None:
        model.go.clear()
        first = asyncio.create_task(gatherer.answer(1))
        await until(lambda: model.heard == [1] and not gatherer._to_answer)
        for number in range(2, 12):
            gone = asyncio.create_task(gatherer.answer(number))
            await until(lambda number=number: number in model.heard and gatherer._to_answer)  # type: ignore[misc]
            gone.cancel()
            await asyncio.gather(gone, return_exceptions=True)
            assert not gatherer._to_answer
        model.go.set()
        assert await first == 2
        assert model.batches == [[1]]

    run(work)


def test_a_table_leaves_room_for_others() -> None:
    async def work(gatherer: Gathering, model: Model) -> None:
        model.go.clear()
        rows = [asyncio.create_task(gatherer.answer_whenever(n)) for n in range(1, 9)]
        await until(lambda: len(model.heard) >= 4)
        one = asyncio.create_task(gatherer.answer(20))  # is not sent away
        await asyncio.sleep(0.05)
        model.go.set()
        assert await one == 40
        assert await asyncio.gather(*rows) == [2 * n for n in range(1, 9)]

    run(work)


def test_work_that_nobody_waits_for_keeps_its_place() -> None:
    async def work(gatherer: Gathering, model: Model) -> None:
        go = threading.Event()
        gone = asyncio.create_task(gatherer.alone(lambda: go.wait(5)))
        await until(lambda: gatherer._alone == 1)
        await asyncio.sleep(0.05)  # it has begun
        gone.cancel()
        await asyncio.gather(gone, return_exceptions=True)
        with pytest.raises(ProblemError):
            await gatherer.alone(lambda: None)
        go.set()
        await until(lambda: gatherer._alone == 0)

    run(work, replace(SETTINGS, max_attributions=1))
