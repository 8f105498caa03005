"""A record that may enter a task, and what a protocol decides about it."""

from __future__ import annotations

from dataclasses import dataclass

from respllm.types import Clip, Record, Split

Parts = dict[Split, list[tuple[Clip, int]]]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One record, or a stretch of it, that a task may ask about.

    Attributes:
        record: the recording.
        label: the answer; None if unknown or if it is told only clip by clip.
        start, stop: the stretch in seconds; `stop` None is the end of the file.
    """

    record: Record
    label: int | None
    start: float = 0.0
    stop: float | None = None


@dataclass(frozen=True, slots=True)
class Exclusion:
    """A record that a protocol leaves out, and why."""

    record_id: str
    reason: str
