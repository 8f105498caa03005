"""Recordings are cut into clips that cover them, and clips are labelled by what is in them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respllm.audio.frontend import WINDOW_SECONDS
from respllm.tasks.clips import MAX_CLIPS, SMALLEST_REST, abnormal_sound, cut
from respllm.types import Clip, SoundEvent
from tests.tasks.making import a_record

SECONDS = st.floats(0.1, 200)


@given(SECONDS, st.floats(0, 50), st.none() | SECONDS)
def test_the_clips_cover_the_recording(seconds: float, start: float, length: float | None) -> None:
    start = min(start, seconds / 2)
    stop = None if length is None else start + length
    clips = cut(a_record(), seconds, start, stop)
    end = seconds if stop is None else min(stop, seconds)
    assert len({clip.clip_id for clip in clips}) == len(clips) <= MAX_CLIPS
    if len(clips) == 1:
        assert clips == [Clip(a_record(), start, stop)]
        assert end - start <= WINDOW_SECONDS + SMALLEST_REST
        return
    assert clips[0].start == pytest.approx(start, abs=1e-3)
    assert clips[-1].stop == pytest.approx(end, abs=2e-3)
    gaps = []
    for one, following in pairwise(clips):
        assert one.stop is not None
        assert one.stop - one.start == pytest.approx(WINDOW_SECONDS, abs=2e-3)
        assert following.start > one.start
        gaps.append(max(0.0, following.start - one.stop))
    if end - start <= MAX_CLIPS * WINDOW_SECONDS:
        assert sum(gaps) <= SMALLEST_REST + 2e-3 * len(clips)
    else:
        assert len(clips) == MAX_CLIPS


def test_twenty_seconds_are_three_overlapping_clips() -> None:
    stretches = [(clip.start, clip.stop) for clip in cut(a_record(), 20.0)]
    assert stretches == [(0.0, 8.18), (5.91, 14.09), (11.82, 20.0)]


def test_an_unknown_length_is_one_clip() -> None:
    assert cut(a_record(), None) == [Clip(a_record())]


def _labels(*events: SoundEvent) -> list[int | None]:
    record = replace(a_record(), events=events)
    return [abnormal_sound(clip) for clip in cut(record, 16.36)]


@pytest.mark.parametrize(
    ("start", "stop", "labels"),
    [
        (1, 2, [1, 0]),
        (7.5, 9, [1, 1]),  # 0.68 s and 0.82 s
        (7.9, 9, [0, 1]),  # 0.28 s is not enough
        (7.9, 8.15, [1, 0]),  # a short cycle that lies in the clip whole
        (0, 16, [1, 1]),
    ],
)
@pytest.mark.parametrize("kind", ["crackle", "wheeze"])
def test_a_clip_is_abnormal_if_half_a_second_of_an_abnormal_cycle_is_in_it(
    start: float, stop: float, labels: list[int], kind: str
) -> None:
    event = SoundEvent(start, stop, crackle=kind == "crackle", wheeze=kind == "wheeze")
    assert _labels(SoundEvent(0, 0.5, False, False), event) == labels


def test_normal_cycles_are_0_and_no_annotation_is_unknown() -> None:
    assert _labels(SoundEvent(1, 3, False, False)) == [0, 0]
    assert _labels() == [None, None]


def test_a_clip_to_the_end_hears_the_last_cycle() -> None:
    record = replace(a_record(), events=(SoundEvent(5, 6, True, False),))
    assert abnormal_sound(Clip(record)) == 1
    assert abnormal_sound(Clip(record, start=5.8)) == 0
