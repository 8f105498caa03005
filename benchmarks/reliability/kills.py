"""Kill caching, training, evaluation and saving at random moments; nothing may be lost or differ.

    python -m benchmarks.reliability.kills [--kills 60] [--seed N] [--json]

Each piece of work runs in a process of its own and is ended by SIGKILL, at a uniformly drawn moment
or, every second time, within three milliseconds of a file being written. After every kill all that
is on disk must be whole: it is what the undisturbed run wrote, or it is not there under its name.
After every third kill the work is finished, and must be the undisturbed one's to the bit.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # the processes are forked: no threads before that
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

import argparse
import json
import random
import sys
import time
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

import torch
from benchmarks.reliability.killing.killing import Tally, rounds
from benchmarks.reliability.killing.works import works
from rich.console import Console
from rich.table import Table

from respllm.simulation import simulate_cohort


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=60, help="in all, over the four works")
    parser.add_argument("--seed", type=int, default=None, help="of the moments; default: drawn")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    seed = random.randrange(10**6) if asked.seed is None else asked.seed
    torch.set_num_threads(1)
    begun = time.monotonic()
    tallies = []
    with TemporaryDirectory(prefix="respllm-kills-") as folder:
        root = Path(folder)
        data = simulate_cohort(root / "data", subjects=200, seed=1).directory
        for number, work in enumerate(works(root, data)):
            kills = asked.kills // 4 + (number < asked.kills % 4)
            tally = Tally(work.name)
            rounds(work, kills, root, random.Random(f"{seed} {work.name}"), tally)
            tallies.append(tally)
    seconds = time.monotonic() - begun
    problems = [f"{t.work} {p}" for t in tallies for p in t.problems]
    total = sum(t.kills for t in tallies)
    if asked.json:
        print(json.dumps({"seed": seed, "seconds": seconds, "works": [*map(asdict, tallies)]}))
    else:
        show(tallies)
        for problem in problems[:20]:
            print("PROBLEM", problem)
        print(
            f"{total} kills, seed {seed}, {seconds:.0f} s: "
            + (f"{len(problems)} problems" if problems else "nothing corrupt, all to the bit")
        )
    sys.exit(bool(problems))


def show(tallies: list[Tally]) -> None:
    table = Table(title="Killed without warning")
    for name in ("work", "kills", "of these in a write", "files checked", "finished to the bit"):
        table.add_column(name, justify="left" if name == "work" else "right")
    table.add_column("problems", justify="right")
    table.add_column("seconds", justify="right")
    for one in tallies:
        numbers = (one.kills, one.writing, one.checked, one.finished, len(one.problems))
        table.add_row(one.work, *map(str, numbers), f"{one.seconds:.0f}")
    Console().print(table)


if __name__ == "__main__":
    main()
