"""Split people, not recordings: seeded, stratified by label."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

SPLIT_SEED = 42
"""One seed for every split, so that runs with other seeds are tested on the same people."""


def by_subject(
    labels: Mapping[str, int], fractions: Sequence[float], seed: int = SPLIT_SEED
) -> tuple[frozenset[str], ...]:
    """Divide subjects into parts with about the same share of positives.

    Args:
        labels: subject -> 1 if any of the subject's examples is positive, else 0.
        fractions: share of each part but the last, which takes the rest. A part with a positive
            share gets at least one subject of a class with three or more.
        seed: of the order. It is a hash of seed and subject, so that tasks that share people
            place most of them alike.

    Returns:
        One set of subjects per fraction, then the rest.
    """
    parts: list[set[str]] = [set() for _ in range(len(fractions) + 1)]
    for value in (0, 1):
        subjects = sorted(
            (subject for subject, label in labels.items() if label == value),
            key=lambda subject: hashlib.sha256(f"{seed}:{subject}".encode()).digest(),
        )
        total = len(subjects)
        for part, fraction in zip(parts, fractions, strict=False):
            size = max(round(fraction * total), 1 if total >= 3 else 0)
            part.update(subjects[:size])
            subjects = subjects[size:]
        parts[-1].update(subjects)
    return tuple(frozenset(part) for part in parts)
