"""Requests that arrive together are answered together.

A recording is heard (decoded, made into log-mels) in one of a few threads, then waits for the one
thread that asks the model. That thread takes whatever waits, so that a batch forms while the one
before is computed: an idle service answers at once, a busy one in batches. What cannot be taken in
is refused at the door, with the time after which to come again.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from time import monotonic
from typing import Generic, Protocol, TypeVar

from respllm.server.metrics import Metrics
from respllm.server.problems import BUSY, CLOSING, LATE, ProblemError
from respllm.server.settings import Settings

RATE_MEMORY = 0.8
"""Weight of the past in the measured rate of answers."""
FIRST_RATE = 20.0
"""Recordings per second, before anything is measured."""
MAX_RETRY_SECONDS = 60


class Ready(Protocol):
    """A recording that was heard."""

    @property
    def n_clips(self) -> int:
        """Stretches of sound in it."""


Asked = TypeVar("Asked")
Heard = TypeVar("Heard", bound=Ready)
Answer = TypeVar("Answer")
Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class _Job(Generic[Asked, Heard, Answer]):
    asked: Asked
    answer: asyncio.Future[Answer]


class Gatherer(Generic[Asked, Heard, Answer]):
    """Takes in recordings, and answers them in batches. Used on one event loop.

    Args:
        hear: makes a recording ready; called from several threads.
        ask: answers for several recordings, in order; called from one thread.
        settings: how much is taken in.
        begin_asking: called once in the thread that asks.
        metrics: told about batches and refusals.
    """

    def __init__(
        self,
        hear: Callable[[Asked], Heard],
        ask: Callable[[Sequence[Heard]], Sequence[Answer]],
        settings: Settings,
        metrics: Metrics,
        begin_asking: Callable[[], object] = lambda: None,
    ) -> None:
        self._hear = hear
        self._ask = ask
        self._settings = settings
        self._metrics = metrics
        self._to_hear: deque[_Job[Asked, Heard, Answer]] = deque()
        self._to_answer: deque[tuple[_Job[Asked, Heard, Answer], Heard]] = deque()
        self._waiting = 0
        self._alone = 0
        self._closing = False
        self._rate = FIRST_RATE
        self._bell = asyncio.Event()
        self._workers: list[asyncio.Task[None]] = []
        self._hearing = ThreadPoolExecutor(settings.hearing_threads, "hearing")
        self._asking = ThreadPoolExecutor(1, "asking", initializer=begin_asking)

    @property
    def is_closing(self) -> bool:
        """Whether nothing more is taken in."""
        return self._closing

    def start(self) -> None:
        """Start to work, on the running loop."""
        hearers = [self._hear_all() for _ in range(self._settings.hearing_threads)]
        self._workers = [asyncio.create_task(work) for work in (*hearers, self._answer_all())]

    def stop_taking(self) -> None:
        """Take in nothing more; what was taken in is answered."""
        self._closing = True

    async def close(self) -> None:
        """Answer what was taken in, then end all threads."""
        self.stop_taking()
        await self._until(lambda: not self._waiting and not self._alone)
        for worker in self._workers:
            worker.cancel()
        await asyncio.gather(*self._workers, return_exceptions=True)
        self._hearing.shutdown(cancel_futures=True)
        self._asking.shutdown(cancel_futures=True)

    def check_open(self) -> None:
        """Refuse what would be refused anyway, before its body is read.

        Raises:
            ProblemError: nothing is taken in any more, or at the moment.
        """
        if self._closing:
            raise _closing()
        if self._waiting >= self._settings.max_waiting:
            self._metrics.refused("queue")
            raise busy(math.ceil(self._waiting / self._rate))

    async def answer(self, asked: Asked) -> Answer:
        """The answer for one recording; cancelled, it is not computed.

        Raises:
            ProblemError: nothing is taken in, or the answer would come too late.
            Exception: what `hear` or `ask` raised for it.
        """
        self.check_open()
        async with self._in_time():
            return await self._taken_in(asked)

    async def answer_whenever(self, asked: Asked) -> Answer:
        """The answer for one recording of many that were taken in together.

        It waits for room in half of the queue: the other half is for those who ask for one.
        """
        await self._until(lambda: self._waiting < max(1, self._settings.max_waiting // 2))
        return await self._taken_in(asked)

    async def listen(self, work: Callable[[], Result]) -> Result:
        """Do something with a recording that the model is not asked for.

        Raises:
            ProblemError: as `answer`.
        """
        self.check_open()
        async with self._in_time(), self._counted():
            return await asyncio.get_running_loop().run_in_executor(self._hearing, work)

    async def alone(self, work: Callable[[], Result]) -> Result:
        """Do something longer with the model, between two batches.

        Raises:
            ProblemError: as `answer`.
        """
        if self._closing:
            raise _closing()
        if self._alone >= self._settings.max_attributions:
            self._metrics.refused("attributions")
            raise busy(2 * self._alone)
        loop = asyncio.get_running_loop()
        self._alone += 1
        done = self._asking.submit(work)

        def freed() -> None:
            self._alone -= 1
            self._ring()

        # Whoever asked may be gone long before it ends; its place is taken until then.
        done.add_done_callback(lambda _: loop.call_soon_threadsafe(freed))
        async with self._in_time():
            return await asyncio.wrap_future(done)

    async def _taken_in(self, asked: Asked) -> Answer:
        job: _Job[Asked, Heard, Answer] = _Job(asked, asyncio.get_running_loop().create_future())
        async with self._counted():
            self._to_hear.append(job)
            self._ring()
            try:
                return await job.answer
            finally:
                job.answer.cancel()
                if job.answer.cancelled():  # nobody waits for it any more
                    self._to_hear = deque(one for one in self._to_hear if one is not job)
                    self._to_answer = deque(two for two in self._to_answer if two[0] is not job)

    @asynccontextmanager
    async def _in_time(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._settings.answer_seconds):
                yield
        except TimeoutError:
            self._metrics.refused("deadline")
            raise ProblemError(
                LATE,
                "The request waited for too long",
                next_step="try again",
                headers={"Retry-After": "1"},
            ) from None

    @asynccontextmanager
    async def _counted(self) -> AsyncIterator[None]:
        self._waiting += 1
        self._metrics.waiting.set(self._waiting)
        try:
            yield
        finally:
            self._waiting -= 1
            self._metrics.waiting.set(self._waiting)
            self._ring()

    def _ring(self) -> None:
        """Let everybody who waits look again. All of this runs on one loop: no lock is needed."""
        self._bell.set()
        self._bell = asyncio.Event()

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            await self._bell.wait()

    async def _hear_all(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._until(lambda: bool(self._to_hear))
            job = self._to_hear.popleft()
            try:
                heard = await loop.run_in_executor(self._hearing, self._hear, job.asked)
            except Exception as error:
                _fail(job, error)
            else:
                if not job.answer.done():
                    self._to_answer.append((job, heard))
                    self._ring()

    async def _answer_all(self) -> None:
        while True:
            await self._until(lambda: bool(self._to_answer))
            batch = self._next_batch()
            if batch:
                begun = monotonic()
                await self._answer_batch(batch)
                rate = len(batch) / max(monotonic() - begun, 1e-3)
                self._rate = RATE_MEMORY * self._rate + (1 - RATE_MEMORY) * rate
                self._metrics.batch.observe(len(batch))

    def _next_batch(self) -> list[tuple[_Job[Asked, Heard, Answer], Heard]]:
        """What waits, up to the size of a batch; those whom nobody waits for are passed over."""
        batch: list[tuple[_Job[Asked, Heard, Answer], Heard]] = []
        clips = 0
        while self._to_answer and len(batch) < self._settings.at_once:
            job, heard = self._to_answer[0]
            if not job.answer.done():
                if batch and clips + heard.n_clips > self._settings.at_once_clips:
                    break
                batch.append((job, heard))
                clips += heard.n_clips
            self._to_answer.popleft()
        return batch

    async def _answer_batch(self, batch: list[tuple[_Job[Asked, Heard, Answer], Heard]]) -> None:
        heard = [one for _, one in batch]
        loop = asyncio.get_running_loop()
        try:
            answers = await loop.run_in_executor(self._asking, self._ask, heard)
        except Exception as error:
            if len(batch) == 1:
                _fail(batch[0][0], error)
                return
            for one in batch:  # one of them must not cost the others their answer
                await self._answer_batch([one])
            return
        for (job, _), answer in zip(batch, answers, strict=True):
            if not job.answer.done():
                job.answer.set_result(answer)
                self._metrics.recordings.inc()


def _fail(job: _Job[Asked, Heard, Answer], error: Exception) -> None:
    if not job.answer.done():
        job.answer.set_exception(error)


def busy(seconds: int) -> ProblemError:
    """That a request is to come again."""
    seconds = min(MAX_RETRY_SECONDS, max(1, seconds))
    return ProblemError(
        BUSY,
        "More is asked than can be answered",
        next_step=f"try again in {seconds} s",
        headers={"Retry-After": str(seconds)},
    )


def _closing() -> ProblemError:
    return ProblemError(
        CLOSING,
        "Nothing more is taken in",
        next_step="try again once the service is up",
        headers={"Retry-After": "5"},
    )
