"""AUROC on positives and negatives who are alike in age, sex and symptoms.

Coppock et al. 2024 (Nature Machine Intelligence 6) matched tested people in this way: an audio
classifier of COVID-19 fell from 0.85 to 0.62.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, replace

import numpy as np
from scipy.optimize import linear_sum_assignment

from respllm.audits.asking import Answered
from respllm.audits.results import Finding, MatchedScore, Verdict
from respllm.audits.wording import counted, interval
from respllm.evaluation import auroc_score
from respllm.types import Dms

CALIPER_YEARS = 5.0
MIN_PAIRS = 5
ENOUGH_PAIRS = 10
"""With fewer pairs of people with exactly the same symptoms, their number is matched instead."""
DROP = 0.05
_FORBIDDEN = 1e6

Key = Callable[[Dms], Hashable]


@dataclass(frozen=True, slots=True)
class _Person:
    subject: str
    label: int
    dms: Dms


def matched(one: Answered, seed: int) -> tuple[list[MatchedScore], list[Finding]]:
    """Match every positive person with one negative person, as many pairs as there can be.

    Sex and symptoms are equal within a pair; ages differ by at most five years, or are in one band
    where the dataset states bands. What somebody did not state is matched with the same silence of
    somebody else; a field that nobody in the task states is left out of `matched_on`. What counts
    is what people stated, whether or not the protocol shows it to the model. People with units of
    both classes are in no pair.
    """
    people, torn = _people(one)
    fields = [
        name
        for name, value in (
            ("age", lambda dms: dms.age),
            ("sex", lambda dms: dms.gender),
            ("symptoms", lambda dms: dms.symptoms),
        )
        if any(value(person.dms) is not None for person in people)
    ]
    unmatched = auroc_score(one.clips, one.unit)
    if not fields:
        text = f"{one.task.id}: nobody states age, sex or symptoms, so nobody can be matched."
        return [], [Finding("matching", one.task.id, "not checked", text)]
    rng = np.random.default_rng([seed, *one.task.id.encode()])
    order = [people[i] for i in rng.permutation(len(people))]
    pairs = _pairs(order, "age" in fields, _symptom_set)
    if "symptoms" in fields and len(pairs) < ENOUGH_PAIRS:
        fewer = _pairs(order, "age" in fields, _symptom_count)
        if len(fewer) > len(pairs):
            pairs, fields = fewer, [*fields[:-1], "number of symptoms"]
    chosen = {subject for pair in pairs for subject in pair}
    score = auroc_score([clip for clip in one.clips if clip.subject_id in chosen], one.unit)
    notes = [score.note] if score.note else []
    if len(pairs) < MIN_PAIRS:
        notes = [f"only {counted(len(pairs), 'pair')}: at least {MIN_PAIRS} are needed"]
        score = replace(score, value=None, low=None, high=None)
    if torn:
        notes.append(f"{counted(torn, 'person', 'people')} with both answers left out")
    row = MatchedScore(
        one.task.id, tuple(fields), len(pairs), unmatched, replace(score, note="; ".join(notes))
    )
    return [row], [_finding(row, people)]


def _people(one: Answered) -> tuple[list[_Person], int]:
    """Everybody with one label, as their first recording states them; and how many have two."""
    labels: dict[str, set[int]] = defaultdict(set)
    stated: dict[str, Dms] = {}
    for example, clip in zip(one.examples, one.clips, strict=True):
        labels[clip.subject_id].add(clip.label)
        stated.setdefault(clip.subject_id, example.clip.record.dms)
    people = [
        _Person(subject, min(found), stated[subject])
        for subject, found in labels.items()
        if len(found) == 1
    ]
    return people, len(labels) - len(people)


def _symptom_set(dms: Dms) -> Hashable:
    return None if dms.symptoms is None else frozenset(dms.symptoms)


def _symptom_count(dms: Dms) -> Hashable:
    """0, 1, 2, or 3 and more."""
    return None if dms.symptoms is None else min(3, len(dms.symptoms))


def _pairs(people: list[_Person], by_age: bool, symptoms: Key) -> list[tuple[str, str]]:
    """(positive, negative) pairs: as many as possible, then with ages as near as possible."""
    groups: dict[Hashable, tuple[list[_Person], list[_Person]]] = defaultdict(lambda: ([], []))
    for person in people:
        groups[person.dms.gender, symptoms(person.dms)][person.label].append(person)
    pairs = []
    for negatives, positives in groups.values():
        cost = np.array(
            [[_distance(p.dms, n.dms) if by_age else 0.0 for n in negatives] for p in positives]
        ).reshape(len(positives), len(negatives))
        # One forbidden pair costs more than all allowed ones: their number comes first.
        for p, n in zip(*linear_sum_assignment(cost), strict=True):
            if cost[p, n] < _FORBIDDEN:
                pairs.append((positives[p].subject, negatives[n].subject))
    return pairs


def _distance(first: Dms, second: Dms) -> float:
    """Years between two ages; `_FORBIDDEN` for ages that may not be matched."""
    a, b = first.age, second.age
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return abs(a - b) if abs(a - b) <= CALIPER_YEARS else _FORBIDDEN
    return 0.0 if a == b else _FORBIDDEN


def _finding(row: MatchedScore, people: list[_Person]) -> Finding:
    task_id, fields = (
        row.task_id,
        " and ".join(filter(None, [", ".join(row.matched_on[:-1]), row.matched_on[-1]])),
    )
    positives = sum(person.label for person in people)
    smaller = min(positives, len(people) - positives)
    if row.matched.value is None:
        apart = smaller >= ENOUGH_PAIRS and row.pairs < 0.1 * smaller
        text = (
            f"{task_id}: {'only ' if row.pairs else ''}{counted(row.pairs, 'pair')} of people with "
            f"both answers can be matched on {fields} (of {positives} positive and "
            f"{len(people) - positives} negative people)"
        )
        if apart:
            text += f": {fields} alone may give the answer away, and no score here tells otherwise"
        return Finding("matching", task_id, "problem" if apart else "not checked", text + ".")
    before, after = row.unmatched, row.matched
    text = (
        f"{task_id}: on {row.pairs} pairs matched on {fields} the AUROC is "
        f"{interval(after.value, after.low, after.high)}, "
        f"on everybody {interval(before.value, before.low, before.high)}."
    )
    assert after.value is not None
    assert after.low is not None
    if before.value is None or before.low is None or before.low <= 0.5:
        return Finding("matching", task_id, "fine", text)
    if after.low <= 0.5 and before.value - after.value > DROP:
        text = f"{text[:-1]}: among people who are alike, nothing shows that it beats chance."
        return Finding("matching", task_id, "problem", text)
    verdict: Verdict = "note" if before.value - after.value > DROP else "fine"
    return Finding("matching", task_id, verdict, text)
