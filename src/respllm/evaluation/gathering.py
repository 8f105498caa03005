"""Scores are gathered clip -> recording -> subject, as far up as the labels allow."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean

from respllm.errors import DataError
from respllm.types import Example, Unit


@dataclass(frozen=True, slots=True)
class ScoredClip:
    """One clip's score beside its true answer.

    Attributes:
        task_id: the question.
        record_id, subject_id: what and who was recorded.
        logit: any score that grows with the belief in 1; log-odds for a model.
        label: 1 or 0.
    """

    task_id: str
    record_id: str
    subject_id: str
    logit: float
    label: int

    @classmethod
    def of(cls, example: Example, logit: float) -> ScoredClip:
        """A labelled example beside its score."""
        assert example.label is not None
        record = example.clip.record
        return cls(
            example.task_id, record.record_id, record.subject_id, float(logit), int(example.label)
        )


@dataclass(frozen=True, slots=True)
class Gathered:
    """One unit's score: of a subject, a recording or a clip.

    Attributes:
        unit_id: the subject's or recording's id; a clip's is `<record id>#<place in its record>`.
        subject_id: who was recorded.
        logit: mean over the unit's recordings of the mean over their clips.
        label: 1 or 0.
    """

    unit_id: str
    subject_id: str
    logit: float
    label: int


def choose_unit(scored: Iterable[ScoredClip]) -> Unit:
    """What one score should belong to, decided from the labels alone.

    "subject" if no subject has two labels, else "recording" if no recording has, else "clip".
    """
    scored = list(scored)
    if not _torn(scored, lambda clip: clip.subject_id):
        return "subject"
    if not _torn(scored, lambda clip: clip.record_id):
        return "recording"
    return "clip"


def gather(scored: Sequence[ScoredClip], unit: Unit) -> list[Gathered]:
    """Mean score of each unit, in order of first occurrence. Scores must be finite.

    Means are exactly rounded, so the order of the clips never decides a tie.

    Raises:
        DataError: a unit has two labels, a recording two subjects, or a label is not 0 or 1.
    """
    _check(scored, unit)
    by_record: dict[str, list[ScoredClip]] = defaultdict(list)
    for clip in scored:
        by_record[clip.record_id].append(clip)
    if unit == "clip":
        return [
            Gathered(f"{record_id}#{place}", clip.subject_id, clip.logit, clip.label)
            for record_id, clips in by_record.items()
            for place, clip in enumerate(clips)
        ]
    recordings = [
        Gathered(
            record_id,
            clips[0].subject_id,
            fmean(clip.logit for clip in clips),
            clips[0].label,
        )
        for record_id, clips in by_record.items()
    ]
    if unit == "recording":
        return recordings
    by_subject: dict[str, list[Gathered]] = defaultdict(list)
    for recording in recordings:
        by_subject[recording.subject_id].append(recording)
    return [
        Gathered(subject_id, subject_id, fmean(one.logit for one in group), group[0].label)
        for subject_id, group in by_subject.items()
    ]


def _torn(
    scored: Iterable[ScoredClip],
    key: Callable[[ScoredClip], str],
    value: Callable[[ScoredClip], Hashable] = lambda clip: clip.label,
) -> list[str]:
    """The keys that have two values."""
    first: dict[str, Hashable] = {}
    return [key(clip) for clip in scored if first.setdefault(key(clip), value(clip)) != value(clip)]


def _check(scored: Sequence[ScoredClip], unit: Unit) -> None:
    for clip in scored:
        if clip.label not in (0, 1):
            raise DataError(
                f"The label {clip.label!r} of {clip.record_id} cannot be scored",
                expected="0 or 1",
                next_step="leave recordings without a label out before scoring",
            )
    if shared := _torn(scored, lambda clip: clip.record_id, lambda clip: clip.subject_id):
        raise DataError(f"{shared[0]} has two subjects", expected="one subject a recording")
    both = {
        "subject": _torn(scored, lambda clip: clip.subject_id),
        "recording": _torn(scored, lambda clip: clip.record_id),
        "clip": [],
    }[unit]
    if both:
        raise DataError(
            f"{both[0]} has both labels, so it cannot have one score as a {unit}",
            next_step="score a smaller unit; `choose_unit` finds the largest that is possible",
        )
