"""For whom does it work? AUROC within groups of people and recordings."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from respllm.audits.asking import Answered
from respllm.audits.results import Finding, SubgroupScore
from respllm.audits.wording import interval, number
from respllm.evaluation import ScoredClip, auroc_score, choose_unit
from respllm.types import Record

SMALL = 10
NOT_STATED = "not stated"
AGE_BANDS = ((0, "under 18"), (18, "18-44"), (45, "45-64"), (65, "65 and over"))


def age_band(record: Record) -> str | None:
    """The band of an age in years; a band that the dataset states as it is."""
    age = record.dms.age
    if age is None or isinstance(age, str):
        return age
    bands = [name for first, name in AGE_BANDS if age >= first]
    return bands[-1] if bands else None


ATTRIBUTES: dict[str, Callable[[Record], str | None]] = {
    "sex": lambda record: record.dms.gender,
    "age band": age_band,
    "device": lambda record: record.device,
    "site": lambda record: record.site,
    "language": lambda record: record.language,
}


def subgroups(one: Answered) -> tuple[list[SubgroupScore], list[Finding]]:
    """AUROC within each group of each attribute that somebody in the task states."""
    rows = [row for attribute in ATTRIBUTES for row in _rows(one, attribute)]
    return rows, _findings(one, rows)


def unstated(answered: Sequence[Answered]) -> list[Finding]:
    """Attributes that nobody in some of the tasks states."""
    found = []
    for attribute, stated in ATTRIBUTES.items():
        silent = [
            one.task.id
            for one in answered
            if not any(stated(example.clip.record) for example in one.examples)
        ]
        if silent:
            text = (
                f"{attribute.capitalize()} is not stated for {', '.join(silent)}, so nothing is "
                "known about it there."
            )
            found.append(Finding("subgroups", "", "not checked", text))
    return found


def _rows(one: Answered, attribute: str) -> list[SubgroupScore]:
    groups: dict[str, list[ScoredClip]] = defaultdict(list)
    for example, clip in zip(one.examples, one.clips, strict=True):
        groups[ATTRIBUTES[attribute](example.clip.record) or NOT_STATED].append(clip)
    if set(groups) <= {NOT_STATED}:
        return []
    unit = one.unit or choose_unit(one.clips)
    rows = []
    for group in sorted(groups, key=lambda name: (name == NOT_STATED, name)):
        score = auroc_score(groups[group], unit)
        small = min(score.n_positive, score.n_negative) < SMALL
        rows.append(SubgroupScore(one.task.id, attribute, group, score, small, False))
    able = [row for row in rows if not row.small and row.score.value is not None]
    if len(able) < 2:
        return rows
    worst = min(able, key=lambda row: row.score.value or 0.0)
    return [replace(row, worst=row is worst) for row in rows]


def _findings(one: Answered, rows: list[SubgroupScore]) -> list[Finding]:
    task_id = one.task.id
    whole = auroc_score(one.clips, one.unit).value
    found = []
    for row in rows:
        if not row.worst or whole is None or row.score.high is None:
            continue
        score = row.score
        text = (
            f"{task_id}: by {row.attribute}, the AUROC is lowest in the group {row.group!r}: "
            f"{interval(score.value, score.low, score.high)} against {number(whole)} on everybody."
        )
        below = row.score.high < whole
        found.append(Finding("subgroups", task_id, "note" if below else "fine", text))
    small = [row for row in rows if row.small]
    if small:
        text = (
            f"{task_id}: {len(small)} of {len(rows)} groups have fewer than {SMALL} people of one "
            "answer: their scores say little."
        )
        found.append(Finding("subgroups", task_id, "note", text))
    if not rows:
        text = f"{task_id}: nobody states any of these, so there are no groups to compare."
        found.append(Finding("subgroups", task_id, "not checked", text))
    return found
