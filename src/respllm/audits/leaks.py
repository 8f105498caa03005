"""Is anything in a test part that the model learned from, or that contradicts itself?

"Learned from" are the training and validation parts of all trained tasks together, "tested" the
test parts of all tested tasks: a person learned from in one task and tested in another is a leak.
Under `paper` overlaps stay, as published, and are told here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf
from pathlib import Path

from respllm.audio import AudioIndex
from respllm.audits.copies import Copy, nearly_identical
from respllm.audits.results import Finding, Leak, Verdict
from respllm.audits.wording import counted
from respllm.tasks import Selection
from respllm.types import Record, Split

EXAMPLES = 20
"""Pairs kept for whoever asks for them by name."""

PARTS: tuple[tuple[Split, Split], ...] = (
    ("train", "test"),
    ("validation", "test"),
    ("train", "validation"),
)


@dataclass(frozen=True, slots=True)
class Heard:
    """One recording in one part, of all tasks together.

    Attributes:
        record: the recording.
        start, stop: the stretch that its clips cover, seconds.
        tasks: ids of the tasks that have it in this part.
    """

    record: Record
    start: float
    stop: float
    tasks: frozenset[str]


Parts = dict[Split, list[Heard]]


def leaks(
    learned: Sequence[Selection],
    tested: Sequence[Selection],
    person: Callable[[str, str], object],
) -> tuple[list[Leak], list[Finding]]:
    """Look for people and recordings in two parts, and for copies with contradictory labels.

    Args:
        learned: of the trained tasks; their training and validation parts count.
        tested: of the tested tasks; their test parts count.
        person: (task id, subject id) -> who it is, the same in every task.
    """
    parts = _parts(learned, tested)
    hashes = _hashes(parts)
    rows: list[Leak] = []
    for first, second in PARTS:
        rows += _people(parts, first, second, person)
        rows += _identical(parts, first, second, hashes)
    copies = nearly_identical([*parts["train"], *parts["validation"]], parts["test"], hashes=hashes)
    for part in ("train", "validation"):
        known = {heard.record.record_id: heard for heard in parts[part]}
        rows += _copies([c for c in copies if c.first in known], known, parts["test"], part)
    rows += _contradictory(parts, hashes)
    return rows, _findings(rows, parts)


def _parts(learned: Sequence[Selection], tested: Sequence[Selection]) -> Parts:
    sources: dict[Split, Sequence[Selection]] = {
        "train": learned,
        "validation": learned,
        "test": tested,
    }
    return {split: _heard(selections, split) for split, selections in sources.items()}


def _heard(selections: Sequence[Selection], split: Split) -> list[Heard]:
    found: dict[str, Heard] = {}
    for selection in selections:
        for example in selection.parts[split]:
            clip = example.clip
            stop = inf if clip.stop is None else clip.stop
            own = found.get(clip.record.record_id)
            found[clip.record.record_id] = Heard(
                clip.record,
                clip.start if own is None else min(own.start, clip.start),
                stop if own is None else max(own.stop, stop),
                frozenset({selection.task_id}) | (own.tasks if own else frozenset()),
            )
    return list(found.values())


def _hashes(parts: Parts) -> dict[Path, str]:
    paths = [heard.record.audio_path for part in parts.values() for heard in part]
    facts = AudioIndex().facts_of(paths)
    return {path: fact.sha256 for path, fact in facts.items() if fact.sha256 and not fact.error}


def _people(
    parts: Parts, first: Split, second: Split, person: Callable[[str, str], object]
) -> list[Leak]:
    who: dict[object, dict[Split, list[Heard]]] = defaultdict(lambda: {first: [], second: []})
    for split in (first, second):
        for heard in parts[split]:
            who[person(min(heard.tasks), heard.record.subject_id)][split].append(heard)
    both = [found for found in who.values() if found[first] and found[second]]
    return _leak(
        "subject in two parts",
        (first, second),
        [(found[first][0], found[second][0]) for found in both],
        [heard for found in both for part in found.values() for heard in part],
    )


def _identical(parts: Parts, first: Split, second: Split, hashes: dict[Path, str]) -> list[Leak]:
    known: dict[str, list[Heard]] = defaultdict(list)
    for heard in parts[first]:
        if heard.record.audio_path in hashes:
            known[hashes[heard.record.audio_path]].append(heard)
    pairs = []
    for heard in parts[second]:
        copies = known.get(hashes.get(heard.record.audio_path, ""), [])
        same = next((copy for copy in copies if _overlap(copy, heard)), None)
        if same is not None:
            pairs.append((same, heard))
    return _leak("identical audio", (first, second), pairs, [h for pair in pairs for h in pair])


def _copies(
    copies: Sequence[Copy], known: dict[str, Heard], test: Sequence[Heard], part: Split
) -> list[Leak]:
    tested = {heard.record.record_id: heard for heard in test}
    pairs = [(known[copy.first], tested[copy.second]) for copy in copies]
    return _leak(
        "nearly identical audio", (part, "test"), pairs, [h for pair in pairs for h in pair]
    )


def _contradictory(parts: Parts, hashes: dict[Path, str]) -> list[Leak]:
    """Identical recordings that have both labels of one condition, in whatever parts."""
    groups: dict[str, dict[str, tuple[Heard, Split]]] = defaultdict(dict)
    for split, part in parts.items():
        for heard in part:
            if heard.record.audio_path in hashes:
                group = groups[hashes[heard.record.audio_path]]
                group[heard.record.record_id] = (heard, split)
    pairs, where = [], set()
    for group in groups.values():
        for (one, first), (other, second) in combinations(group.values(), 2):
            if _contradict(one.record, other.record) and _overlap(one, other):
                pairs.append((one, other))
                where |= {first, second}
    order: tuple[Split, ...] = ("train", "validation", "test")
    return _leak(
        "identical audio, contradictory labels",
        tuple(split for split in order if split in where),
        pairs,
        [heard for pair in pairs for heard in pair],
        every_recording=True,
    )


def _contradict(one: Record, other: Record) -> bool:
    # Only within a dataset: two own tables may call different things "label".
    return one.dataset == other.dataset and any(
        other.labels.get(condition, label) != label for condition, label in one.labels.items()
    )


def _overlap(one: Heard, other: Heard) -> bool:
    return one.start < other.stop and other.start < one.stop


def _leak(
    kind: str,
    parts: tuple[Split, ...],
    pairs: Sequence[tuple[Heard, Heard]],
    concerned: Iterable[Heard],
    every_recording: bool = False,
) -> list[Leak]:
    """One row, or none if there is no pair; it counts pairs unless all recordings are asked for."""
    if not pairs:
        return []
    concerned = list(concerned)
    tasks = sorted({task for heard in concerned for task in heard.tasks})
    count = len({h.record.record_id for h in concerned}) if every_recording else len(pairs)
    examples = tuple(f"{a.record.record_id} = {b.record.record_id}" for a, b in pairs[:EXAMPLES])
    return [Leak(kind, tuple(tasks), parts, count, examples)]


def _findings(rows: Sequence[Leak], parts: Parts) -> list[Finding]:
    findings = []
    for row in rows:
        verdict: Verdict = "problem" if "test" in row.parts else "note"
        # A leak within one task says nothing against the others.
        task_id = row.tasks[0] if len(row.tasks) == 1 else ""
        text = f"{_told(row)} ({', '.join(row.tasks)})."
        findings.append(Finding("leaks", task_id, verdict, text))
    if not any("test" in row.parts for row in rows):
        text = (
            f"Nobody, and none of {counted(len(parts['test']), 'tested recording')}, is in a "
            "training or validation part too, not even as a changed copy."
        )
        verdict = "fine" if parts["train"] else "not checked"
        if not parts["train"]:
            text = "What a model learns from was not named, so no leak was looked for."
        findings.append(Finding("leaks", "", verdict, text))
    return findings


def _told(row: Leak) -> str:
    if row.kind == "subject in two parts":
        people = counted(row.count, "person is", "people are")
        return f"{people} in both the {row.parts[0]} and the {row.parts[1]} part"
    recordings = counted(row.count, "recording")
    if row.kind == "identical audio":
        return f"{recordings} of the {row.parts[1]} part: byte-identical to one of {row.parts[0]}"
    if row.kind == "nearly identical audio":
        return f"{recordings} of the {row.parts[1]} part: a changed copy of one of {row.parts[0]}"
    return f"{recordings}: byte-identical to another one that has the contradictory label"
