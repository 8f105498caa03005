"""Mutate what reaches something new, and count how the cases end."""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.reliability.fuzzing.mutating import WORDS, mutated
from benchmarks.reliability.fuzzing.worker import Worker

SHARES = {"audio": 35, "table": 30, "task": 10, "run": 5, "checkpoint": 12, "state": 8}


@dataclass
class Tally:
    outcomes: Counter[str] = field(default_factory=Counter)
    findings: list[tuple[str, str, str]] = field(default_factory=list)
    kept: int = 0
    lines: int = 0
    slowest: float = 0.0


def fuzz(
    cases: int, seed: int, kinds: list[str], keep: Path | None
) -> tuple[dict[str, Tally], dict[str, int]]:
    """Run the cases; a tally and the number of seeds for each kind."""
    rng = random.Random(seed)
    worker = Worker(kinds)
    corpus = {k: [(n, c) for n, c in files.items()] for k, files in worker.seeds.items()}
    starts = {kind: len(files) for kind, files in corpus.items()}
    tallies = {kind: Tally() for kind in kinds}
    seen: dict[str, set[Any]] = {kind: set() for kind in kinds}
    ways: dict[str, set[Any]] = {kind: set() for kind in kinds}
    share = sum(SHARES[kind] for kind in kinds)
    try:
        for kind in kinds:
            for number in range(round(cases * SHARES[kind] / share)):
                tally = tallies[kind]
                # Half of the cases start from a seed file, so that rare finds do not crowd it out.
                pool = corpus[kind][: starts[kind]] if rng.random() < 0.5 else corpus[kind]
                name, content = rng.choice(pool)
                other = rng.choice(corpus[kind])[1]
                # A mutant can be as it was before; it is run all the same.
                mutant = mutated(content, other, WORDS[kind], rng)
                begun = time.monotonic()
                forged = rng.random() < 0.5
                outcome, detail, lines = worker.run((kind, name, mutant, forged))
                tally.slowest = max(tally.slowest, time.monotonic() - begun)
                tally.outcomes[outcome] += 1
                way = (outcome, detail[:40])
                if lines - seen[kind] or (outcome == "typed" and way not in ways[kind]):
                    seen[kind] |= lines
                    ways[kind].add(way)
                    corpus[kind].append((name, mutant))
                    tally.kept += 1
                if outcome not in ("valid", "typed"):
                    tally.findings.append((outcome, f"{kind} {name} forged={forged}", detail))
                    if keep is not None:
                        keep.mkdir(parents=True, exist_ok=True)
                        (keep / f"{kind}-{number}-{name}").write_bytes(mutant)
                if outcome in ("crash", "hang"):
                    worker.stop()
                    worker = Worker(kinds)
            tallies[kind].lines = len(seen[kind])
    finally:
        worker.stop()
    return tallies, starts
