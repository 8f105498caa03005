"""Your own cohort without code: a table and a task file, trained, tested, predicted, continued."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile
import yaml

from respllm.models import Checkpoint
from tests.cli.conftest import Run

TASK = {
    "id": "clinic",
    "dataset_description": "the Example Clinic cohort",
    "question": "whether the person wheezes",
    "sound": "lung sounds",
    "word_for_1": "wheeze",
    "word_for_0": "no wheeze",
    "table": {
        "table": "cohort.csv",
        "audio_root": "sounds",
        "subject_column": "patient",
        "label_column": "diagnosis",
        "positive": "wheeze",
        "negative": "clear",
    },
}
RATE = 8_000


@pytest.fixture
def clinic(tmp_path: Path) -> Path:
    """Forty people of whom every second one whistles; the folder of a run, its task and table."""
    folder = tmp_path / "clinic"
    (folder / "sounds").mkdir(parents=True)
    random = np.random.default_rng(0)
    time = np.arange(2 * RATE) / RATE
    rows = []
    for i in range(40):
        sound = 0.05 * random.standard_normal(len(time))
        if i % 2:
            sound += 0.2 * np.sin(2 * np.pi * random.uniform(300, 600) * time)
        soundfile.write(folder / "sounds" / f"{i}.wav", sound, RATE)
        diagnosis = ("clear", "wheeze")[i % 2]
        rows.append({"audio": f"{i}.wav", "patient": f"p{i}", "diagnosis": diagnosis, "age": 30})
    pd.DataFrame(rows).to_csv(folder / "cohort.csv", index=False)
    (folder / "clinic.yaml").write_text(yaml.safe_dump(TASK))
    write_run(folder, "first", tasks={"train": ["clinic.yaml"]}, epochs=6)
    return folder


def write_run(folder: Path, name: str, epochs: int, **settings: object) -> None:
    training = {"epochs": epochs, "batch_size": 8, "learning_rate": 0.001}
    content = {"name": name, "training": training, **settings}
    (folder / f"{name}.yaml").write_text(yaml.safe_dump(content))


def test_the_whole_way_and_on_from_there(respllm: Run, clinic: Path, tmp_path: Path) -> None:
    result = respllm("train", clinic / "first.yaml", "--data-root", clinic, "--json").json
    (row,) = result["results"]
    assert (row["task_id"], row["role"], row["paper"]) == ("clinic", "trained", None)
    assert row["score"]["value"] > 0.9, "a whistle is easily heard"
    first = Checkpoint.from_pretrained(tmp_path / "runs" / "first").config
    assert (first.datasets, first.simulated) == (("clinic",), False)

    sounds = clinic / "sounds"
    arguments = ("--run", "runs/first", "--task", "clinic", "--json")
    wheeze = respllm("predict", sounds / "1.wav", *arguments, "--age", 30).json
    clear = respllm("predict", sounds / "0.wav", *arguments, "--age", 30).json
    assert wheeze["probability"] > clear["probability"]
    assert wheeze["validated"] is True
    assert not wheeze["notes"], "a real recording, a model of real recordings, a known task"

    again = respllm("evaluate", "runs/first", "--data-root", clinic, "--json").json
    assert again["results"] == result["results"]

    write_run(
        clinic,
        "second",
        tasks={"train": ["clinic.yaml"]},
        epochs=1,
        init_from=str(tmp_path / "runs" / "first"),
    )
    later = respllm("train", clinic / "second.yaml", "--data-root", clinic, "--json").json
    assert later["training"]["validation_auroc"] > 0.9, "it did not begin from nothing"


def test_a_run_of_built_in_tasks_is_where_an_own_one_may_start(
    respllm: Run, clinic: Path, trained_run: Path, tmp_path: Path
) -> None:
    parts = {"encoder": {"name": "mel-patch"}, "model": {"llm": "nano"}}  # as in that run
    tasks = {"train": ["clinic.yaml"]}
    write_run(clinic, "on", tasks=tasks, epochs=1, init_from=str(trained_run), **parts)
    outcome = respllm("train", clinic / "on.yaml", "--data-root", clinic, "--no-test")
    assert outcome.code == 0, outcome.err
    config = Checkpoint.from_pretrained(tmp_path / "runs" / "on").config
    assert set(config.datasets) == {"clinic", "covid19_sounds", "icbhi"}
    assert config.simulated, "it learned from simulated recordings, too"


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        ("clinic.yaml", "question:", "qestion:", "Did you mean 'question'"),
        ("clinic.yaml", "diagnosis", "diagnose", "diagnose"),
        ("clinic.yaml", "cohort.csv", "gone.csv", "gone.csv"),
        ("clinic.yaml", "positive: wheeze", "positive: rattle", "row 2"),
        ("clinic.yaml", "id: clinic", "id: S7", "belongs to a task of the paper"),
        ("cohort.csv", "1.wav,p1,wheeze", "0.wav,p1,wheeze", "0.wav"),
    ],
)
def test_a_slip_in_table_or_task_is_one_line(
    refused: Callable[..., str], clinic: Path, file: str, old: str, new: str, message: str
) -> None:
    path = clinic / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    assert message in refused("train", clinic / "first.yaml", "--data-root", clinic)
