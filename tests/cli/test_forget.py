"""`respllm forget`: a person is removed by id, and what cannot be removed is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from respllm.config import RunConfig, TaskLists
from respllm.tasks import Learned
from respllm.tasks.removed import REMOVED, Removed
from respllm.training import RunFolder, write_json
from tests.cli.conftest import Run
from tests.tasks.making import notes_of, own_rows, own_table, task_file

TABLE = "table: {table: cohort.csv, subject_column: who}"


@pytest.fixture
def cohort(tmp_path: Path) -> Path:
    """A data root with an own table, and `run/`, which learned from all of it."""
    root = tmp_path / "data"
    own_table(root, own_rows(12))
    task = task_file(root, "mine", TABLE)
    folder = RunFolder(tmp_path / "run")
    folder.start(RunConfig(name="run", tasks=TaskLists(train=("mine.yaml",))), resume=False)
    write_json(folder.record, {"task_folder": str(root)})
    write_json(folder.learned, Learned.of(task.select(root, "clean").parts["train"]).plain())
    return root


def test_a_person_is_found_through_the_run(respllm: Run, cohort: Path) -> None:
    learned = sorted(task_file(cohort, "mine", TABLE).select(cohort, "clean").subjects("train"))[0]
    outcome = respllm("forget", learned, "--data-root", cohort, "--run", "run")
    assert outcome.code == 0, outcome.err
    assert f"{learned}: left out of every later training and test" in outcome.out
    text = " ".join(outcome.out.split())
    assert "run learned from this person, and weights do not forget: train it again" in text
    assert "2 recordings lie where they were" in text
    selection = task_file(cohort, "mine", TABLE).select(cohort, "clean")
    assert "2 recordings of 1 people left out" in notes_of(selection)


def test_several_people_through_the_task_file_as_json(respllm: Run, cohort: Path) -> None:
    arguments = (
        "--data-root",
        cohort,
        "--task",
        cohort / "mine.yaml",
        "--reason",
        "asked",
        "--json",
    )
    done = respllm("forget", "mine/p03", "mine/p04", "mine/p03", *arguments).json
    assert [(one["subject"], one["recordings"]) for one in done] == [
        ("mine/p03", 2),
        ("mine/p04", 2),
    ]
    assert [one.reason for one in Removed.read(cohort).removals] == ["asked", "asked"]


def test_rows_of_a_prediction_table(respllm: Run, cohort: Path, tmp_path: Path) -> None:
    table = tmp_path / "answers.csv"
    table.write_text("task,record,subject\nS7,other/1,other/x\nS7,mine/3a.wav,mine/p03\n")
    arguments = ("--data-root", cohort, "--task", cohort / "mine.yaml", "--predictions", table)
    assert "1 rows of results" in respllm("forget", "mine/p03", *arguments).out
    assert table.read_text() == "task,record,subject\nS7,other/1,other/x\n"


def test_a_typing_mistake_is_told_and_nothing_is_done(
    refused: Callable[..., str], cohort: Path
) -> None:
    message = refused("forget", "mine/p3", "--data-root", cohort, "--task", cohort / "mine.yaml")
    assert "Nobody is called 'mine/p3'" in message
    assert not (cohort / REMOVED).exists()
    assert "No folder nowhere" in refused("forget", "mine/p03", "--data-root", "nowhere")
    assert "No folder runs" in refused(
        "forget", "mine/p03", "--data-root", cohort, "--task", cohort / "mine.yaml", "--run", "runs"
    )
    assert not (cohort / REMOVED).exists()


def test_a_simulated_patient_of_a_dataset(
    respllm: Run, small_cohort: Path, trained_run: Path, tmp_path: Path
) -> None:
    """Found among five datasets; the run that learned from the patient is named."""
    from respllm.tasks import get_task

    root = tmp_path / "data"
    root.mkdir()
    for path in small_cohort.iterdir():
        (root / path.name).symlink_to(path)
    who = sorted(get_task("S7").select(root, "clean").subjects("train"))[0]
    done = respllm("forget", who, "--data-root", root, "--run", trained_run, "--json").json[0]
    assert done["recordings"] > 0
    assert done["tokens"] > 0
    assert done["learned"] == [str(trained_run)]
    assert json.loads((root / REMOVED).read_text())["finished"]
    assert who not in get_task("S7").select(root, "paper").subjects("train")
