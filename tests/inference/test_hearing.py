"""Recordings are heard ahead of their answers, but never hours of sound at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from respllm.errors import AudioError
from respllm.inference.hearing import CHUNK, CHUNK_CLIPS, Heard, Refusal, Request, heard_ahead
from respllm.types import Clip, Dms, Record

LONG = 900
"""Clips of two hours."""


def heard(request: Request, clips: int) -> Heard:
    record = Record(request.record_id, "s", "", "", Path(), Dms())
    return Heard(request, (Clip(record),) * clips, np.zeros((1, 256, 64), np.float32), ())


def requests(count: int) -> Iterator[Request]:
    return (Request(b"", record_id=str(number)) for number in range(count))


@pytest.mark.parametrize("clips", [1, 5, LONG])
def test_order_is_kept_and_clips_are_bounded(clips: int) -> None:
    lock, ahead, most = threading.Lock(), 0, 0

    def listen(request: Request) -> Heard:
        nonlocal ahead, most
        with lock:
            ahead += clips
            most = max(most, ahead)
        return heard(request, clips)

    names = []
    for chunk in heard_ahead(requests(200), listen):
        time.sleep(0.005)  # an answer takes longer than to hear the next
        usable = [one for one in chunk if isinstance(one, Heard)]
        names += [one.request.record_id for one in usable]
        assert len(chunk) <= CHUNK
        assert sum(len(one.clips) for one in usable) < CHUNK_CLIPS + clips
        with lock:
            ahead -= len(chunk) * clips
    assert names == [str(number) for number in range(200)]
    workers = 8
    assert most <= 2 * CHUNK_CLIPS + (2 * workers + 2) * clips


def test_a_recording_that_cannot_be_heard_is_refused_in_its_place() -> None:
    def listen(request: Request) -> Heard:
        if int(request.record_id) % 3 == 0:
            raise AudioError("silent")
        return heard(request, 1)

    found = [one for chunk in heard_ahead(requests(10), listen) for one in chunk]
    assert [isinstance(one, Refusal) for one in found] == [n % 3 == 0 for n in range(10)]
