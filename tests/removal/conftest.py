"""A cohort with a cache, results and a prediction table, from which people are removed."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from respllm.encoders import encode_clips, load_encoder
from respllm.evaluation import ScoredClip, ScoreRow, write_scores
from respllm.inference import Refusal
from respllm.inference.prediction_file import write_predictions, write_predictions_json
from respllm.removal import Forgotten, forget
from respllm.tasks import Learned, Task
from respllm.types import SPLITS, Example, Prediction
from tests.tasks.making import own_rows, own_table, task_file

TABLE = "table: {table: cohort.csv, subject_column: who}"


@dataclass(frozen=True)
class Place:
    """Twelve people with two recordings each, and all that was ever made of them."""

    root: Path
    task: Task
    cache: Path
    run: Path
    csv: Path
    json: Path
    examples: tuple[Example, ...]

    def forget(self, subject: str, **changes: object) -> Forgotten:
        arguments: dict = {
            "tasks": [self.task],
            "folders": [self.run],
            "files": [self.csv, self.json],
            "cache_dir": self.cache,
        }
        return forget(subject, self.root, **(arguments | changes))

    def of(self, subject: str) -> list[Example]:
        return [e for e in self.examples if e.clip.record.subject_id == subject]


def prediction(example: Example) -> Prediction:
    record = example.clip.record
    notes = ('a note, with "quotes"', "and\na line break")
    return Prediction(
        "mine",
        record.record_id,
        record.subject_id,
        logit=-0.1 / 3,
        probability=1 / 3,
        label=example.label,
        model_id="model",
        clip_logits=(0.1, 1e-17),
        notes=notes,
    )


@pytest.fixture
def make(tmp_path: Path) -> Callable[[str], Place]:
    """Make a place; two of the same name but for the folder hold the same bytes."""

    def place(name: str) -> Place:
        root, cache, run = (tmp_path / name / part for part in ("data", "cache", "run"))
        own_table(root, own_rows(12))
        task = task_file(root, "mine", TABLE)
        parts = task.select(root, "clean").parts
        examples = tuple(e for split in SPLITS for e in parts[split])
        encode_clips([e.clip for e in examples], load_encoder("mel-patch"), cache_dir=cache)
        rows = [
            ScoreRow(
                "mine",
                "test",
                e.clip.clip_id,
                ScoredClip("mine", e.clip.record.record_id, e.clip.record.subject_id, 0.1, 1),
            )
            for e in examples
        ]
        write_scores(run / "results" / "clean" / "clips.csv", rows)
        skipped = [{"clip": e.clip.clip_id, "reason": "too quiet"} for e in examples]
        (run / "skipped.json").write_text(json.dumps(skipped, indent=2) + "\n")
        (run / "learned.json").write_text(json.dumps(Learned.of(parts["train"]).plain()))
        (run / "results" / "looks.jsonl").write_text('{"what": "test"}\n')
        answers = [prediction(e) for e in examples]
        refused = [Refusal(e.clip.record.record_id, "silent") for e in examples]
        write_predictions(root.parent / "answers.csv", answers)
        write_predictions_json(root.parent / "answers.json", answers, refused)
        return Place(
            *(root, task, cache, run, root.parent / "answers.csv"),
            *(root.parent / "answers.json", examples),
        )

    return place


@pytest.fixture
def place(make: Callable[[str], Place]) -> Place:
    return make("one")


def files_of(folder: Path) -> dict[str, bytes]:
    """Every file under a folder, by its path in it."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
