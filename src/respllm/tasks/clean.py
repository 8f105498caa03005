"""The `clean` protocol: every person in one part, whole recordings, no contradictory copies.

- A published split is followed where there is one. A person in both its test and another part
  (ICBHI patients 156 and 218) stays in the test part only.
- Without a published split, people are divided 60/20/20; without a published validation part, a
  fifth of the training people is set aside. Both are seeded and stratified by label.
- Replicates (KAUH's three filters) share their patient and so their part and their score.
- Byte-identical recordings whose labels contradict each other are left out, every copy; of
  identical recordings that agree but claim different people, the first is kept.
- Each recording is heard whole, clip by clip.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence

from respllm.audio import AudioIndex
from respllm.errors import DataError, unknown_name
from respllm.tasks.candidate import Candidate, Exclusion, Parts
from respllm.tasks.clips import CLIP_LABELS, cut
from respllm.tasks.splits import by_subject
from respllm.tasks.task import BY_SUBJECT, Task
from respllm.types import Clip, Split

SHARES: dict[Split, float] = {"validation": 0.2, "test": 0.2}
"""Of the training people, for a part that no published split names."""

Labelled = tuple[Clip, int]


def choose(
    task: Task, candidates: Sequence[Candidate], index: AudioIndex
) -> tuple[Parts, list[Exclusion], tuple[str, ...]]:
    """Apply the protocol: clips with labels by split, what is left out, and notes."""
    excluded = contradictory_copies(candidates, index)
    dropped = {exclusion.record_id for exclusion in excluded}
    labelled = _labelled_clips(
        task, [c for c in candidates if c.record.record_id not in dropped], index
    )
    if task.role == "target":
        return {"train": [], "validation": [], "test": labelled}, excluded, ()
    parts, unlisted = _published(task, labelled)
    excluded += unlisted
    notes = _test_wins(parts)
    shares = {split: share for split, share in SHARES.items() if not parts[split]}
    if shares:
        *chosen, train = by_subject(_subject_labels(parts["train"]), tuple(shares.values()))
        parts |= _divide(parts["train"], {"train": train, **dict(zip(shares, chosen, strict=True))})
    return parts, excluded, notes


def contradictory_copies(candidates: Sequence[Candidate], index: AudioIndex) -> list[Exclusion]:
    """Byte-identical recordings that claim different labels or different people."""
    by_size: dict[int, list[Candidate]] = defaultdict(list)
    for candidate in {c.record.record_id: c for c in candidates}.values():
        by_size[os.path.getsize(candidate.record.audio_path)].append(candidate)
    # Only files of equal size can be equal: the others need not be read.
    suspects = [c for group in by_size.values() if len(group) > 1 for c in group]
    copies: dict[str, list[Candidate]] = defaultdict(list)
    facts = index.facts_of([c.record.audio_path for c in suspects])
    for candidate in suspects:
        fact = facts[candidate.record.audio_path]
        if fact.error is None and fact.sha256 is not None:
            copies[fact.sha256].append(candidate)
    excluded = []
    for group in copies.values():
        # An unknown label contradicts nothing, and is the first to go.
        group.sort(key=lambda c: (not c.record.labels, c.record.record_id))
        names = [c.record.record_id for c in group]
        if any(c.record.labels not in ({}, group[0].record.labels) for c in group):
            reason = f"byte-identical audio under contradictory labels: {', '.join(names)}"
            excluded += [Exclusion(name, reason) for name in names]
        else:
            first = group[0].record
            excluded += [
                Exclusion(c.record.record_id, f"the same audio as {first.record_id}")
                for c in group[1:]
                if c.record.subject_id != first.subject_id
            ]
    return excluded


def _labelled_clips(
    task: Task, candidates: Sequence[Candidate], index: AudioIndex
) -> list[Labelled]:
    clip_label = CLIP_LABELS.get(task.dataset.label) if task.dataset else None
    eligible = [c for c in candidates if clip_label or c.label is not None]
    facts = index.facts_of([c.record.audio_path for c in eligible])
    labelled = []
    for candidate in eligible:
        seconds = facts[candidate.record.audio_path].seconds
        for clip in cut(candidate.record, seconds, candidate.start, candidate.stop):
            label = clip_label(clip) if clip_label else candidate.label
            if label is not None:
                labelled.append((clip, label))
    if clip_label and not labelled:
        raise DataError(
            "No recording has annotated breathing cycles",
            where=f"task {task.id}",
            expected="a dataset that annotates sounds in time",
            next_step="ask for another label",
        )
    return labelled


def _split_name(task: Task) -> str | None:
    if task.dataset is not None:
        return None if task.dataset.split == BY_SUBJECT else task.dataset.split
    assert task.table is not None
    return task.table.split_column


def _published(task: Task, labelled: list[Labelled]) -> tuple[Parts, list[Exclusion]]:
    """Follow the task's published split; without one everybody is in training."""
    name = _split_name(task)
    if name is None:
        return {"train": labelled, "validation": [], "test": []}, []
    parts: Parts = {"train": [], "validation": [], "test": []}
    unlisted = {}
    known = {split for clip, _ in labelled for split in clip.record.splits}
    if labelled and name not in known:
        raise DataError(
            unknown_name("published split", name, sorted(known)),
            where=f"task {task.id}",
            expected="a split that the recordings are in",
            next_step=f"name one of them, or {BY_SUBJECT!r}",
        )
    for clip, label in labelled:
        split = clip.record.splits.get(name)
        if split is None:
            unlisted[clip.record.record_id] = Exclusion(
                clip.record.record_id, f"not in the published split {name!r}"
            )
        else:
            parts[split].append((clip, label))
    return parts, list(unlisted.values())


def _test_wins(parts: Parts) -> tuple[str, ...]:
    """Keep a person of several parts in the last of them only (test before validation)."""
    notes = []
    order: tuple[tuple[Split, Split], ...] = (
        ("test", "validation"),
        ("test", "train"),
        ("validation", "train"),
    )
    for kept, other in order:
        people = {clip.record.subject_id for clip, _ in parts[kept]}
        both = sorted({c.record.subject_id for c, _ in parts[other]} & people)
        if both:
            parts[other] = [row for row in parts[other] if row[0].record.subject_id not in people]
            notes.append(
                f"in the published {kept} and {other} parts, kept in {kept} only: {', '.join(both)}"
            )
    return tuple(notes)


def _subject_labels(labelled: Sequence[Labelled]) -> dict[str, int]:
    labels: dict[str, int] = {}
    for clip, label in labelled:
        subject = clip.record.subject_id
        labels[subject] = max(label, labels.get(subject, 0))
    return labels


def _divide(labelled: Sequence[Labelled], subjects: dict[Split, frozenset[str]]) -> Parts:
    return {
        split: [row for row in labelled if row[0].record.subject_id in chosen]
        for split, chosen in subjects.items()
    }
