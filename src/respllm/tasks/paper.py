"""The `paper` protocol: the published data choices, faults included, so that numbers compare.

Sources: Table 1 of the paper and the published code. One window per recording: the first, except
for S7's training recordings, which give all of theirs. What is ours, because nothing is
published, is marked (ours).

| task | choice | known fault |
|---|---|---|
| S1, S2 | the published subset of 2,500 recordings per sound | |
| S3, S4 | the published folds of task 2 | |
| S5, S6 | the published folds of task 1; train and validation down-sampled to equal classes, seed 42 (ours; the original is unseeded) | |
| S7 | the official split; training windows: a stratified tenth validates, seed 1337 (ours); the rest up-sampled to equal classes | windows of one recording on both sides; patients 156 and 218 in train and test |
| T1-T4 | four groups (COVID-19 x has symptoms), 25 people each for coughs, 10 for breaths, seed 42 (ours) | |
| T5 | all of KAUH's index that is not its train part, COPD against healthy | three filters of one recording counted as three |
| T6 | the train part less a stratified tenth, seed 1337; down-sampled to equal classes, seed 42 (ours; the original is unseeded) | the same |
Other tasks, which the paper does not have, follow their own split with one window each.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from respllm.audio import AudioIndex, count_windows, load_audio
from respllm.datasets import published_index
from respllm.errors import AudioError, DataError
from respllm.tasks import clean
from respllm.tasks.candidate import Candidate, Exclusion, Parts
from respllm.tasks.clips import CLIP_LABELS
from respllm.tasks.task import Task
from respllm.types import Clip, Split

SEED = 42
TENTH_SEED = 1337
GROUP_SIZES = {"T1": 25, "T2": 25, "T3": 10, "T4": 10}

Rule = Callable[[Task, list[Candidate]], tuple[Parts, tuple[str, ...]]]


def choose(
    task: Task, candidates: Sequence[Candidate], index: AudioIndex
) -> tuple[Parts, list[Exclusion], tuple[str, ...]]:
    """Apply the protocol: clips with labels by split, what is left out, and notes."""
    rule = RULES.get(task.id)
    if rule is None:
        return _one_window(task, candidates, index)
    eligible = sorted(
        (c for c in candidates if c.label is not None), key=lambda c: c.record.record_id
    )
    parts, notes = rule(task, eligible)
    chosen = {clip.record.record_id for part in parts.values() for clip, _ in part}
    excluded = [
        Exclusion(c.record.record_id, "not among the published choice")
        for c in eligible
        if c.record.record_id not in chosen
    ]
    return parts, excluded, notes


def _one_window(
    task: Task, candidates: Sequence[Candidate], index: AudioIndex
) -> tuple[Parts, list[Exclusion], tuple[str, ...]]:
    """A task that the paper does not have: its own split, one window for each recording."""
    if task.dataset is not None and task.dataset.label in CLIP_LABELS:
        raise DataError(
            f"The label {task.dataset.label!r} is told clip by clip",
            where=f"task {task.id}, protocol 'paper'",
            expected="a label of whole recordings: this protocol hears one window of each",
            next_step="use the protocol 'clean'",
        )
    parts, excluded, notes = clean.choose(task, candidates, index)
    first = {(c.record.record_id, c.start) for c in candidates}
    parts = {
        split: [row for row in rows if (row[0].record.record_id, row[0].start) in first]
        for split, rows in parts.items()
    }
    return parts, excluded, notes


def _published_split(name: str) -> Rule:
    def rule(task: Task, eligible: list[Candidate]) -> tuple[Parts, tuple[str, ...]]:
        parts: Parts = {"train": [], "validation": [], "test": []}
        for candidate in eligible:
            split = candidate.record.splits.get(name)
            if split is not None:
                parts[split].append(_first_window(candidate))
        if not any(parts.values()):
            raise DataError(
                f"The published split {name!r} lists none of the {len(eligible)} labelled records",
                where=f"task {task.id}, protocol 'paper'",
                expected="the files of the published release",
                next_step="use the protocol 'clean', which follows the folder's own split",
            )
        return parts, ()

    return rule


def _balanced_folds(name: str) -> Rule:
    folds = _published_split(name)

    def rule(task: Task, eligible: list[Candidate]) -> tuple[Parts, tuple[str, ...]]:
        parts, notes = folds(task, eligible)
        balanced: tuple[Split, ...] = ("train", "validation")
        for split in balanced:
            parts[split] = _down_sample(parts[split])
        return parts, notes

    return rule


def _icbhi_windows(task: Task, eligible: list[Candidate]) -> tuple[Parts, tuple[str, ...]]:
    parts, notes = _published_split("official")(task, eligible)
    windows = [
        (Clip(clip.record, window=window), label)
        for clip, label in parts["train"]
        for window in range(_windows(clip))
    ]
    train, validation = _less_a_tenth(windows)
    both = {c.record.subject_id for c, _ in windows} & {
        c.record.subject_id for c, _ in parts["test"]
    }
    if both:
        notes = (*notes, f"in the train and the test part: {', '.join(sorted(both))}")
    return {
        "train": _up_sample(train),
        "validation": validation,
        "test": parts["test"],
    }, notes


def _coswara_groups(task: Task, eligible: list[Candidate]) -> tuple[Parts, tuple[str, ...]]:
    groups: dict[tuple[int, bool], list[Candidate]] = {
        (label, symptoms): [] for label in (0, 1) for symptoms in (False, True)
    }
    for candidate in eligible:
        groups[candidate.label or 0, bool(candidate.record.dms.symptoms)].append(candidate)
    wanted = GROUP_SIZES[task.id]
    size = min(wanted, *(len(group) for group in groups.values()))
    notes: tuple[str, ...] = ()
    if size < wanted:
        notes = (f"{size} people per group instead of {wanted}: the smallest group has no more",)
    generator = np.random.default_rng(SEED)
    chosen = [
        _first_window(group[i])
        for group in groups.values()
        for i in sorted(generator.permutation(len(group))[:size])
    ]
    return {"train": [], "validation": [], "test": chosen}, notes


def _kauh_rest(task: Task, eligible: list[Candidate]) -> tuple[Parts, tuple[str, ...]]:
    parts, notes = _published_split("opera")(task, eligible)
    rest = parts["validation"] + parts["test"]
    return {"train": [], "validation": [], "test": rest}, notes


def _kauh_train(task: Task, eligible: list[Candidate]) -> tuple[Parts, tuple[str, ...]]:
    parts, notes = _published_split("opera")(task, eligible)
    chosen, _ = _less_a_tenth(parts["train"])
    return {"train": [], "validation": [], "test": _down_sample(chosen)}, notes


RULES: dict[str, Rule] = {
    "S1": _published_split("opera"),
    "S2": _published_split("opera"),
    "S3": _published_split("task2"),
    "S4": _published_split("task2"),
    "S5": _balanced_folds("task1"),
    "S6": _balanced_folds("task1"),
    "S7": _icbhi_windows,
    "T1": _coswara_groups,
    "T2": _coswara_groups,
    "T3": _coswara_groups,
    "T4": _coswara_groups,
    "T5": _kauh_rest,
    "T6": _kauh_train,
}


def index_counts(task_id: str) -> dict[Split, tuple[int, int]] | None:
    """Negative and positive recordings per part, from the published index alone.

    Needs no audio. Recordings, not windows. None where no index is published (S3 to S6, T1 to T4).
    """
    listed = {
        "S1": ("uk_covid19_exhalation", None),
        "S2": ("uk_covid19_cough", None),
        "S7": ("icbhi", ("Healthy", "COPD")),
        "T5": ("kauh", ("healthy", "COPD")),
        "T6": ("kauh", ("healthy", "asthma")),
    }
    if task_id not in listed:
        return None
    name, words = listed[task_id]
    negative, positive = words or ("0", "1")
    rows = [row for row in published_index(name) if row.label in {negative, positive}]
    labelled = [(row.split, int(row.label == positive)) for row in rows]
    if task_id == "T5":
        labelled = [("test", label) for split, label in labelled if split != "train"]
    if task_id == "T6":
        train = [row for row in labelled if row[0] == "train"]
        kept, _ = _less_a_tenth(train)
        labelled = [("test", label) for _, label in _down_sample(kept)]
    return {
        split: (
            sum(s == split and label == 0 for s, label in labelled),
            sum(s == split and label == 1 for s, label in labelled),
        )
        for split in sorted({s for s, _ in labelled})
    }


def _first_window(candidate: Candidate) -> tuple[Clip, int]:
    assert candidate.label is not None
    return Clip(candidate.record, candidate.start, candidate.stop), candidate.label


def _windows(clip: Clip) -> int:
    try:
        return count_windows(load_audio(clip.record.audio_path))
    except AudioError:
        return 1  # named and counted as unusable when the clip is heard


def _less_a_tenth(rows: list) -> tuple[list, list]:
    labels = [label for _, label in rows]
    if min(labels.count(0), labels.count(1)) < 2:
        raise DataError(
            f"{labels.count(0)} negative and {labels.count(1)} positive recordings are too few "
            "to set a stratified tenth aside",
            where="protocol 'paper'",
            expected="at least two of each",
        )
    from sklearn.model_selection import train_test_split  # slow to load

    kept, tenth = train_test_split(rows, test_size=0.1, stratify=labels, random_state=TENTH_SEED)
    return kept, tenth


def _down_sample(rows: list) -> list:
    classes = [[row for row in rows if row[1] == label] for label in (0, 1)]
    size = min(len(members) for members in classes)
    generator = np.random.default_rng(SEED)
    kept = {
        (label, int(i))
        for label, members in enumerate(classes)
        for i in generator.permutation(len(members))[:size]
    }
    return [
        row
        for label, members in enumerate(classes)
        for i, row in enumerate(members)
        if (label, i) in kept
    ]


def _up_sample(rows: list) -> list:
    classes = [[row for row in rows if row[1] == label] for label in (0, 1)]
    size = max(len(members) for members in classes)
    return [members[i % len(members)] for members in classes if members for i in range(size)]
