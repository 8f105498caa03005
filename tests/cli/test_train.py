"""`respllm train`, `evaluate` and `demo`: from a file to a table."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from respllm.config import RunConfig
from respllm.models import Checkpoint
from tests.cli.conftest import Run

RUN: dict[str, Any] = {
    "name": "small",
    "tasks": {"train": ["S7"], "test": ["T5"]},
    "training": {"epochs": 1, "batch_size": 16},
}


def write_run(folder: Path, **changes: Any) -> Path:
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(RUN | changes))
    return path


def test_training_ends_with_a_table(respllm: Run, small_cohort: Path, tmp_path: Path) -> None:
    outcome = respllm("train", write_run(tmp_path), "--data-root", small_cohort)
    assert outcome.code == 0, outcome.err
    text = " ".join(outcome.out.split())
    assert "SIMULATED data" in text
    assert "zero-shot" in text
    assert "not a medical device" in text
    assert "Next: respllm predict RECORDING --run runs/small --task S7" in text
    run = tmp_path / "runs" / "small"
    assert (run / "results" / "clean" / "table.md").is_file()
    again = respllm("train", tmp_path / "run.yaml", "--data-root", small_cohort)
    assert again.code == 2
    assert "--resume" in again.err
    resumed = respllm(
        "train", tmp_path / "run.yaml", "--data-root", small_cohort, "--resume", "--json"
    ).json
    assert resumed["training"]["steps"] == 2
    assert len((run / "results" / "looks.jsonl").read_text().splitlines()) == 2


def test_json_holds_training_and_results(respllm: Run, small_cohort: Path, tmp_path: Path) -> None:
    run = write_run(tmp_path)
    result = respllm("train", run, "--data-root", small_cohort, "--out", "here", "--json").json
    assert result["training"]["folder"] == "here"
    assert [row["task_id"] for row in result["results"]] == ["S7", "T5"]
    assert (tmp_path / "here" / "run.json").is_file()


def test_the_test_may_be_left_out(respllm: Run, small_cohort: Path, tmp_path: Path) -> None:
    run = write_run(tmp_path)
    result = respllm("train", run, "--data-root", small_cohort, "--no-test", "--json").json
    assert result["results"] == []
    assert not (tmp_path / "runs" / "small" / "results").exists()


def test_the_published_settings_run_as_they_are_declared(
    respllm: Run, small_cohort: Path, tmp_path: Path
) -> None:
    """The optimisation and head of `as_published.yaml`, with the parts that need no download."""
    source = Path(__file__).resolve().parents[2] / "configs" / "as_published.yaml"
    published = yaml.safe_load(source.read_text(encoding="utf-8"))
    assert published["model"]["head"] == "published"
    run = write_run(
        tmp_path,
        training=published["training"],
        model={"llm": "nano", "head": "published"},
    )
    result = respllm("train", run, "--data-root", small_cohort, "--no-test", "--json").json
    assert result["training"]["steps"] > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"protocoll": "clean"}, "Did you mean 'protocol'"),
        ({"tasks": {"train": ["S8"]}}, "Unknown task 'S8'. Available: S1"),
        ({"tasks": {"train": ["mine.yaml"]}}, "Cannot read"),
        ({"tasks": {"train": ["S7"], "test": ["S7"]}}, "A task is named twice"),
        ({"tasks": {"train": ["T5"]}}, "T5"),
        ({"encoder": {"name": "mel-patsh"}}, "Did you mean 'mel-patch'"),
        ({"model": {"llm": "nanno"}}, "Did you mean 'nano'"),
        ({"model": {"llm": "nano", "quantize_4bit": True}}, "4 bits"),
        ({"init_from": "runs"}, "No checkpoint in runs"),
    ],
)
def test_a_run_that_cannot_be_trained_says_why_in_one_line(
    refused: Callable[..., str],
    small_cohort: Path,
    tmp_path: Path,
    changes: dict[str, Any],
    message: str,
) -> None:
    assert message in refused("train", write_run(tmp_path, **changes), "--data-root", small_cohort)


def test_missing_files_are_one_line(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "Cannot read" in refused("train", "gone.yaml", "--data-root", tmp_path)
    line = refused("train", write_run(tmp_path), "--data-root", tmp_path / "nowhere")
    assert "icbhi" in line


def test_strict_stops_at_a_broken_recording(
    refused: Callable[..., str], respllm: Run, small_cohort: Path, tmp_path: Path
) -> None:
    import shutil

    from respllm.tasks import get_task

    for name in ("icbhi", "kauh"):
        shutil.copytree(small_cohort / name, tmp_path / "data" / name)
    example = get_task("S7").examples(tmp_path / "data", "train", "clean")[0]
    example.clip.record.audio_path.write_bytes(b"noise")
    run = write_run(tmp_path)
    line = refused("train", run, "--data-root", "data", "--strict", "--out", "strict")
    assert example.clip.record.audio_path.name in line
    result = respllm("train", run, "--data-root", "data", "--no-test", "--json").json
    assert result["training"]["skipped"] == 1


def test_evaluate_tests_other_tasks_too(
    respllm: Run, trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    import shutil

    shutil.copytree(trained_run, "run")
    both = ("--task", "T5", "--task", "T1", "--json")
    result = respllm("evaluate", "run", "--data-root", small_cohort, *both).json
    assert [row["task_id"] for row in result["results"]] == ["T5", "T1"]
    assert result["folder"] == "run/results/clean-T5-T1"
    outcome = respllm("evaluate", "run", "--data-root", small_cohort)
    assert "SIMULATED" in outcome.out
    lines = (tmp_path / "run" / "results" / "looks.jsonl").read_text().splitlines()
    assert [list(json.loads(line)["test_clips"]) for line in lines] == [
        ["T5", "T1"],
        ["S7", "S6", "T5"],
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--task", "T55"], "Did you mean 'T5'"),
        (["--protocol", "papre"], "Did you mean 'paper'"),
    ],
)
def test_evaluate_suggests_near_misses(
    refused: Callable[..., str],
    trained_run: Path,
    small_cohort: Path,
    arguments: list[str],
    message: str,
) -> None:
    assert message in refused("evaluate", trained_run, "--data-root", small_cohort, *arguments)


def test_evaluate_without_a_run(refused: Callable[..., str], tmp_path: Path) -> None:
    assert "No run in nowhere" in refused("evaluate", "nowhere", "--data-root", tmp_path)


def test_a_run_that_was_stopped_early_has_nothing_to_evaluate(
    refused: Callable[..., str], tmp_path: Path, trained_run: Path
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "config.yaml").write_bytes((trained_run / "config.yaml").read_bytes())
    assert "--resume" in refused("evaluate", run, "--data-root", tmp_path)
    (run / "run.json").write_bytes((trained_run / "run.json").read_bytes())
    assert "No checkpoint" in refused("evaluate", run, "--data-root", tmp_path)


def test_the_demo_goes_the_whole_way(
    respllm: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With few people and one epoch; the full one is timed elsewhere."""
    from respllm import config, simulation

    simulate, read = simulation.simulate_cohort, config.read_yaml

    def shorter(path: Path, model: type[RunConfig]) -> RunConfig:
        run = read(path, model)
        return run.model_copy(update={"training": run.training.model_copy(update={"epochs": 1})})

    monkeypatch.setattr(
        simulation, "simulate_cohort", lambda *a, **k: simulate(*a, **{**k, "subjects": 200})
    )
    monkeypatch.setattr(config, "read_yaml", shorter)
    result = respllm("demo", "--json").json
    assert result["simulated"] is True
    tasks = [f"S{i}" for i in range(1, 8)] + [f"T{i}" for i in range(1, 7)]
    assert [row["task_id"] for row in result["results"]] == tasks
    assert 0 < result["prediction"]["probability"] < 1
    known = Checkpoint.from_pretrained(tmp_path / "demo" / "run").config
    assert known.simulated
    assert [task.id for task in known.tasks if task.role == "source"] == tasks[:7]
