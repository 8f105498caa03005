"""Records, task files and folders for the tests of tasks."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from respllm.tasks import Selection, Task, get_task
from respllm.types import SPLITS, Dms, Example, Record
from tests.audio.sounds import noise, write
from tests.datasets.layouts import COSWARA_COLUMNS, write_audio, write_csv

WORDS = """
dataset_description: my own cohort
question: whether the person has asthma
sound: cough sounds
word_for_1: asthma
word_for_0: healthy
"""


def a_record(name: str = "a", path: Path = Path("a.wav"), subject: str = "a") -> Record:
    return Record(f"test/{name}", f"test/{subject}", "test", "cough", path, Dms())


def task_file(folder: Path, task_id: str, source: str) -> Task:
    """Write a task file whose recordings come from `source` (YAML), and read it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{task_id}.yaml").write_text(f"id: {task_id}\n{WORDS}{source}\n")
    return get_task(f"{task_id}.yaml", folder)


def own_table(folder: Path, rows: Sequence[Mapping[str, str]], seconds: float = 1.0) -> None:
    """Write `cohort.csv`, and a recording of noise for each row that has none yet."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "cohort.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    for seed, row in enumerate(rows):
        if not (folder / row["audio"]).exists():
            write(folder / row["audio"], noise(seconds, seed))


def own_rows(people: int, **cells: Sequence[str]) -> list[dict[str, str]]:
    """Two recordings for each person; every third person is positive."""
    return [
        {"audio": f"{person}{take}.wav", "who": f"p{person:02}", "label": str(int(person % 3 == 0))}
        | {name: values[person] for name, values in cells.items()}
        for person in range(people)
        for take in "ab"
    ]


def coswara_folder(root: Path, groups: Mapping[tuple[str, bool], int]) -> None:
    """A Coswara folder with so many people for each status, with a symptom (cold) or without."""
    blank = dict.fromkeys(COSWARA_COLUMNS, "")
    rows = [
        blank
        | {"id": f"{status}-{symptom}-{i}", "a": "40", "g": "female", "covid_status": status}
        | {"cold": "True" if symptom else ""}
        for (status, symptom), count in groups.items()
        for i in range(count)
    ]
    write_csv(root / "combined_data.csv", rows)
    for row in rows:
        for sound in ("breathing-deep", "cough-heavy"):
            write_audio(root / "Extracted_data" / "20200413" / row["id"] / f"{sound}.wav")


def counts(examples: Sequence[Example]) -> tuple[int, int]:
    """Negative and positive examples."""
    labels = [example.label for example in examples]
    return labels.count(0), labels.count(1)


def assert_nobody_in_two_parts(selection: Selection) -> None:
    parts = [selection.subjects(split) for split in SPLITS]
    assert sum(map(len, parts)) == len(frozenset().union(*parts))


def notes_of(selection: Selection) -> str:
    return " | ".join(selection.notes)
