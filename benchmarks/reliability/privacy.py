"""Kill removals at random moments, and give every table answers that no error may repeat.

    python -m benchmarks.reliability.privacy --kills 200 --cases 5000

Each kill: a process that removes a person is killed (SIGKILL) after a random delay. From the
moment the list holds the person, no selection has them; a second call ends with the bytes of an
undisturbed removal, and nothing of anybody else has changed. Each case: one random cell of a
published table holds a sentinel; the reader gives recordings, or a `DataError` whose traceback does
not repeat it.
Needs the repository's tests (they write the tables) and no network.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import shutil
import signal
import tempfile
import time
from functools import partial
from pathlib import Path

from tests.datasets.layouts import WRITERS
from tests.security.sentinels import VALUES, leaks, told
from tests.security.test_patient_text import IDS, delimiter_of, refusal
from tests.tasks.making import own_rows, own_table, task_file

from respllm.audio.index import FILE_NAME
from respllm.datasets import load_contents
from respllm.encoders import encode_clips, load_encoder
from respllm.evaluation import ScoredClip, ScoreRow, write_scores
from respllm.removal import forget
from respllm.tasks import Task
from respllm.tasks.removed import REMOVED
from respllm.types import SPLITS

WHO = "mine/p03"
PEOPLE = 40


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file by its path, but for the index (SQLite) and the list (times and counts)."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and FILE_NAME not in path.name and path.name != REMOVED
    }


def make(home: Path) -> Task:
    """A cohort, its cache and its scores."""
    own_table(home / "data", own_rows(PEOPLE))
    source = "table: {table: cohort.csv, subject_column: who}"
    task = task_file(home / "data", "mine", source)
    parts = task.select(home / "data", "clean").parts
    examples = [e for split in SPLITS for e in parts[split]]
    clips = [example.clip for example in examples]
    encode_clips(clips, load_encoder("mel-patch"), cache_dir=home / "cache")
    rows = [
        ScoreRow(
            *("mine", "test", clip.clip_id),
            ScoredClip("mine", clip.record.record_id, clip.record.subject_id, 0.1, 1),
        )
        for clip in clips
    ]
    for place in ("run/results/clean", "run/results/paper"):
        write_scores(home / place / "clips.csv", rows)
    return task


def remove(home: Path, task: Task) -> None:
    """Remove the person, as `respllm forget` does."""
    forget(
        *(WHO, home / "data"),
        tasks=[task],
        folders=[home / "run"],
        cache_dir=home / "cache",
    )


def kill_removals(kills: int, folder: Path) -> tuple[int, int]:
    """Number of processes that were killed at work, and of those whose list held the person."""
    home, kept = folder / "home", folder / "kept"
    task = make(home)
    shutil.copytree(home, kept)
    begun = time.monotonic()
    remove(home, task)
    takes = time.monotonic() - begun
    expected = files_of(home)
    killed = listed = 0
    while killed < kills:
        shutil.rmtree(home)
        shutil.copytree(kept, home)
        child = os.fork()
        if child == 0:
            remove(home, task)
            os._exit(0)
        time.sleep(random.uniform(0, 1.2 * takes))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            continue  # it was faster
        killed += 1
        if (home / "data" / REMOVED).exists():
            listed += 1
            parts = task.select(home / "data", "clean")
            assert all(WHO not in parts.subjects(split) for split in SPLITS), "learned from again"
        remove(home, task)
        found = files_of(home)
        drafts = [name for name in found.keys() - expected.keys() if name.endswith(".new")]
        assert found.keys() - expected.keys() == set(drafts), "something else was left"
        assert all(found[name] == content for name, content in expected.items()), "bytes changed"
        assert not any(WHO.encode() in found[name] for name in drafts), "a draft names the person"
    return killed, listed


def fill_cells(cases: int, folder: Path) -> tuple[int, int]:
    """Number of tables with a sentinel that were read or refused, and of refusals."""
    names = ("icbhi", "coswara", "uk_covid19", "covid19_sounds")
    tables = []
    for name in names:
        WRITERS[name](folder / name)
        for path in sorted([*(folder / name).rglob("*.csv"), *(folder / name).rglob("*.txt")]):
            with path.open(newline="", encoding="utf-8") as file:
                tables.append((name, path, list(csv.reader(file, delimiter=delimiter_of(path)))))
    refused = 0
    for _ in range(cases):
        name, path, rows = random.choice(tables)
        original = path.read_bytes()
        headless = name == "icbhi"
        row = random.randrange(0 if headless else 1, len(rows))
        answers = [c for c, title in enumerate(rows[0]) if headless or title not in IDS]
        column = random.choice(answers[len(rows[0]) != 4 if headless else 0 :])
        changed = [list(one) for one in rows]
        changed[row][column] = random.choice(VALUES)
        with path.open("w", newline="", encoding="utf-8") as file:
            csv.writer(file, delimiter=delimiter_of(path)).writerows(changed)
        error = refusal(partial(load_contents, name, folder))
        if error is not None:
            refused += 1
            assert not leaks(told(error)), f"{path.name}, row {row}, column {column}"
        path.write_bytes(original)
    return cases, refused


def main() -> None:
    """Print one line of counts for each."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--cases", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    random.seed(asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["RESPLLM_CACHE"] = f"{folder}/cache"
        killed, listed = kill_removals(asked.kills, Path(folder) / "kills")
        print(
            f"{killed} removals killed at work ({listed} after the person was listed): all done to "
            "the end by a second call, every other byte the same"
        )
        cases, refused = fill_cells(asked.cases, Path(folder) / "tables")
        print(f"{cases} cells with a sentinel: {refused} refused, 0 of them repeated in an error")


if __name__ == "__main__":
    main()
