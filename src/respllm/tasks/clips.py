"""Cut a recording into clips, and label clips whose label is annotated in time."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from respllm.audio.frontend import WINDOW_SECONDS
from respllm.types import Clip, Record

MAX_CLIPS = 10
"""Longer recordings are heard at ten evenly spaced places (more than 80 s)."""

SMALLEST_REST = 0.5
"""Seconds: a shorter rest does not earn a clip of its own."""


def cut(
    record: Record, seconds: float | None, start: float = 0.0, stop: float | None = None
) -> list[Clip]:
    """Cut a recording, or the stretch from `start` to `stop`, into clips of 8.18 s.

    The clips are evenly spaced and cover the stretch, up to `MAX_CLIPS` and but for half a second
    at most (`SMALLEST_REST`); they overlap where it is no multiple of 8.18 s.

    Args:
        record: the recording.
        seconds: its length; None (unknown, undecodable) gives one clip.
        start, stop: bounds in seconds; a stop that is None or later than the end is the end.
    """
    ends = [end for end in (stop, seconds) if end is not None]
    end = min(ends, default=None)
    if end is None or end - start <= WINDOW_SECONDS + SMALLEST_REST:
        return [Clip(record, start, stop)]
    count = min(MAX_CLIPS, math.ceil((end - start - SMALLEST_REST) / WINDOW_SECONDS))
    starts = np.linspace(start, end - WINDOW_SECONDS, count)
    return [Clip(record, round(float(s), 3), round(float(s) + WINDOW_SECONDS, 3)) for s in starts]


def abnormal_sound(clip: Clip) -> int | None:
    """1 if a cycle with a crackle or a wheeze lies in the clip for at least half a second.

    None if the recording has no annotated cycle. The annotation tells that a sound occurs within
    a cycle, not when: a shorter overlap would often label clips for what is not heard in them.
    """
    if not clip.record.events:
        return None
    stop = math.inf if clip.stop is None else clip.stop
    return int(
        any(
            (event.crackle or event.wheeze)
            and min(stop, event.stop) - max(clip.start, event.start)
            >= min(0.5, event.stop - event.start)
            for event in clip.record.events
        )
    )


CLIP_LABELS: dict[str, Callable[[Clip], int | None]] = {"abnormal_sound": abnormal_sound}
"""Conditions that are told clip by clip."""
