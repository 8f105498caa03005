"""Stated words that are too long to be read to their end: a run says how many, never which."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from respllm.encoders import load_encoder
from respllm.inference import evaluate
from respllm.inference.evaluate import ROWS
from respllm.models import Checkpoint
from respllm.tasks import Learned, Selection, Task, get_task
from respllm.training import RunFolder, train
from respllm.types import Example
from tests.training.test_train import config_of

SENTINEL = "zebra"


def long_words(example: Example) -> Example:
    """People whose id ends with 1 or 2 have much to tell."""
    if example.clip.record.subject_id[-1] not in "12":
        return example
    return replace(example, dms_text=f"{example.dms_text} {SENTINEL * 3}" * 60)


@pytest.fixture
def talkative(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every selection has people whose text is too long."""
    real = Task.select

    def select(self: Task, *args: Any) -> Selection:
        found = real(self, *args)
        parts = {name: tuple(map(long_words, part)) for name, part in found.parts.items()}
        return replace(found, parts=parts)

    monkeypatch.setattr(Task, "select", select)


@pytest.mark.usefixtures("talkative")
def test_a_training_says_how_many_texts_it_cut(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    shown = StringIO()
    console = Console(file=shown, width=200)
    summary = train(config_of(trained_run, epochs=1), small_cohort, tmp_path, console=console)
    train_part = get_task("S7").select(small_cohort, "clean").parts["train"]
    people = {e.clip.record.subject_id for e in train_part if SENTINEL in e.dms_text}
    assert people
    told = RunFolder(tmp_path).read_record()["cut"]
    assert [note.partition(":")[0] for note in told] == ["training", "validation"]
    assert all("were cut after 256 tokens" in note for note in told)
    for note in told:
        assert shown.getvalue().count(note) == 1
        assert note in summary.notes
    assert SENTINEL not in shown.getvalue() + str(told) + str(summary)
    assert RunFolder(trained_run).read_record()["cut"] == []


@pytest.mark.usefixtures("talkative")
def test_a_result_says_how_many_texts_were_cut(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    result = evaluate(
        Checkpoint.from_pretrained(trained_run),
        load_encoder("mel-patch"),
        [get_task("T5")],
        small_cohort,
        tmp_path,
        name="cut",
        protocol="clean",
        learned=Learned(frozenset(), frozenset()),
    )
    test = get_task("T5").select(small_cohort, "clean").parts["test"]
    cut = [e for e in test if SENTINEL in e.dms_text]
    people = {e.clip.record.subject_id for e in cut}
    note = (
        f"the stated words of {len(cut)} of {len(test)} examples, of {len(people)} people, were "
        "cut after 256 tokens"
    )
    assert note in result.rows[0].note
    for file in ("table.md", "scores.csv"):
        written = (result.folder / file).read_text(encoding="utf-8")
        assert note in written
    for path in result.folder.iterdir():
        assert SENTINEL not in path.read_text(encoding="utf-8")
    assert note in (result.folder / ROWS).read_text(encoding="utf-8")
