"""Does the audit find what was planted, and nothing where nothing was planted?

    python benchmarks/planted.py [--quick] [--people 600] [--work FOLDER]

Simulated cohorts of seeds 0 to 9 (--quick: 0 and 1) are audited as they are: no shortcut may be
called found and no leak reported. Then each gets a subject leak (a tenth of the ICBHI training
people, copied into the test part), and again each a device shortcut (60% of the ICBHI positives
from another device): both must be found. Audited are S1 to S7 and T1 to T6 under `clean`. Fails
if any of this does not hold.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("RESPLLM_CACHE", tempfile.mkdtemp(prefix="respllm-planted-"))

from respllm.audits import DataAudit, audit_data
from respllm.simulation import simulate_cohort
from respllm.simulation.planting import plant_device_shortcut, plant_subject_leak
from respllm.tasks import builtin_tasks

LEAKED_SHARE, DEVICE_SHARE = 0.1, 0.6


@dataclass(frozen=True, slots=True)
class Row:
    seed: int
    planted: str
    shortcuts: str
    largest: str
    smallest_p: float
    leaks: str
    ok: bool
    seconds: float


def look(root: Path, tasks: tuple[str, ...] = ()) -> DataAudit:
    known = builtin_tasks()
    chosen = [task for task in known.values() if not tasks or task.id in tasks]
    trained = [task for task in chosen if task.role == "source"]
    return audit_data(chosen, trained, root, protocol="clean")


def row(seed: int, planted: str, found: DataAudit, ok: bool, begun: float) -> Row:
    provenance = [s for s in found.shortcuts if s.kind == "provenance"]
    largest = max(provenance, key=lambda s: s.auroc.value or 0.0)
    return Row(
        seed,
        planted,
        ", ".join(f"{s.task_id} {s.property}" for s in found.shortcuts if s.found) or "none",
        f"{largest.auroc.value:.2f} from {largest.auroc.low:.2f} ({largest.task_id} "
        f"{largest.property})",
        min(s.p_value or 1.0 for s in provenance),
        ", ".join(f"{leak.count} {leak.kind}" for leak in found.leaks) or "none",
        ok,
        time.perf_counter() - begun,
    )


def judge(seed: int, people: int, work: Path) -> list[Row]:
    root = work / str(seed)
    simulate_cohort(root, subjects=people, seed=seed)
    begun = time.perf_counter()
    found = look(root)
    clear = not found.leaks and not any(s.found for s in found.shortcuts)
    rows = [row(seed, "nothing", found, clear, begun)]

    # Only the folder that is changed is copied; the tasks that read it are audited again.
    for planted in ("subject leak", "device shortcut"):
        other = work / f"{seed}-planted"
        other.mkdir()
        shutil.copy(root / "simulated_cohort.json", other)
        shutil.copytree(root / "icbhi", other / "icbhi")
        begun = time.perf_counter()
        if planted == "subject leak":
            copies = plant_subject_leak(other, LEAKED_SHARE, seed)
            found = look(other, ("S7",))
            named = {pair for leak in found.leaks for pair in leak.examples}
            hits = sum(f"{c.source} = {c.copy}" in named for c in copies)
            others = sum(leak.count for leak in found.leaks) - hits
            ok = hits == len(copies) and not others
            planted = f"{len(copies)} leaked people: {hits} found"
        else:
            changed = plant_device_shortcut(other, "icbhi", DEVICE_SHARE, seed)
            found = look(other, ("S7",))
            ok = any(s.found for s in found.shortcuts) and not found.leaks
            planted = f"{len(changed)} recordings of another device"
        rows.append(row(seed, planted, found, ok, begun))
        shutil.rmtree(other)
    shutil.rmtree(root)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two cohorts instead of ten")
    parser.add_argument("--people", type=int, default=600, help="in each cohort")
    parser.add_argument("--work", type=Path, help="folder for the cohorts; a temporary one")
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="respllm-planted-"))
    print(
        "| seed | planted | shortcuts found | largest AUROC of provenance | smallest p | leaks "
        "| as it should be | s |"
    )
    print("|---|---|---|---|---|---|---|---|")
    wrong = 0
    for seed in range(2 if options.quick else 10):
        for one in judge(seed, options.people, work):
            wrong += not one.ok
            print(
                f"| {one.seed} | {one.planted} | {one.shortcuts} | {one.largest} "
                f"| {one.smallest_p:.3f} | {one.leaks} | {'yes' if one.ok else 'NO'} "
                f"| {one.seconds:.0f} |",
                flush=True,
            )
    print(f"\n{wrong} of {3 * (2 if options.quick else 10)} are not as they should be.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
