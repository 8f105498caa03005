"""Files that are damaged, forged or hostile: a typed error or a valid result, and nothing else?

    python -m benchmarks.reliability.fuzz [--cases 20000] [--seed 0] [--only KIND ...] [--keep DIR]

Valid files of each kind are mutated: bits, bytes, blocks, numbers at their limits, words that have
a meaning in the format, pieces of other files. A mutant that runs lines of respllm that none before
it did, or fails in a new way, is kept and mutated further. Each case runs in a worker process that
may take 1.5 GiB beside what it holds at the start, and 20 s; a worker that dies or hangs is a
finding, and the next case gets a new one. A finding is

- an exception other than `RespllmError`, a crash, a hang, or too much memory;
- an error of more than 4,000 characters;
- a result that is not valid: a waveform or log-mel out of range, a table row with control
  characters or an impossible label, settings that do not survive being written out, a prompt with
  two beginnings;
- a checkpoint or training state that differs from what was saved, unless its checksums were
  forged as well ("forged": what a stranger could send; half of those cases).

`--keep` writes the input of each finding into a folder. Exits with 1 if there is one.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from pathlib import Path

from benchmarks.reliability.fuzzing.campaign import SHARES, fuzz


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=SHARES, default=list(SHARES), metavar="KIND")
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    begun = time.monotonic()
    tallies, starts = fuzz(options.cases, options.seed, options.only, options.keep)
    print("| kind | seeds | cases | valid | typed error | findings | kept | lines | slowest, s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    total = findings = 0
    for kind, tally in tallies.items():
        count = sum(tally.outcomes.values())
        total += count
        findings += len(tally.findings)
        print(
            f"| {kind} | {starts[kind]} | {count} | {tally.outcomes['valid']} "
            f"| {tally.outcomes['typed']} | {len(tally.findings)} | {tally.kept} | {tally.lines} "
            f"| {tally.slowest:.1f} |"
        )
    told: Counter[tuple[str, str]] = Counter()
    for tally in tallies.values():
        for outcome, where, detail in tally.findings:
            way = (outcome, detail[-200:])
            told[way] += 1
            if told[way] == 1:
                print(f"\n{outcome} in {where}:\n{detail}")
    seconds = time.monotonic() - begun
    print(f"\n{total} cases, {findings} findings, seed {options.seed}, {seconds:.0f} s")
    raise SystemExit(1 if findings else 0)


if __name__ == "__main__":
    main()
