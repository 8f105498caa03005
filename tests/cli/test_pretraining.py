"""`respllm pretrain audio` and `respllm probe`, end to end on a few recordings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from respllm.simulation import MARKER
from tests.cli.conftest import Run
from tests.pretraining.audio.making import recordings

CONFIG = """
name: tiny
hear: [{folder: sounds}]
steps: 1
batch_size: 2
validation_share: 0.4
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    recordings(tmp_path / "sounds", 5)
    path = tmp_path / "tiny.yaml"
    path.write_text(CONFIG)
    return path


def test_an_encoder_is_pretrained_and_can_be_probed(
    respllm: Run, config: Path, small_cohort: Path, tmp_path: Path
) -> None:
    done = respllm("pretrain", "audio", config, "--data-root", tmp_path, "--out", "run")
    assert done.code == 0, done.err
    assert "Heard" in done.out
    assert "1 steps" in done.out
    again = respllm("pretrain", "audio", config, "--data-root", tmp_path, "--out", "run")
    assert again.code == 2
    assert "--resume" in again.err
    data = tmp_path / "data"
    data.mkdir()
    (data / "icbhi").symlink_to(small_cohort / "icbhi", target_is_directory=True)
    shutil.copy(small_cohort / MARKER, data)
    asked = ("probe", "run", "--data-root", data, "--task", "S7", "--seeds", 1)
    shown = respllm(*asked, "--people", 10, "--people", 900)
    assert shown.code == 0, shown.err
    assert "SIMULATED" in shown.out
    assert "S7" in shown.out
    assert "not a medical device" in shown.out.lower() or "research" in shown.out.lower()
    assert "10 people" in shown.out
    row = respllm(*asked, "--json").json["rows"][0]
    assert row["score"]["n_subjects"] > 10
    names = [one["baseline"] for one in row["versus"]]
    assert names[:2] == ["log-mel statistics, logistic", "log-mel statistics, trees"]
    assert row["curve"] == []
    assert not list(tmp_path.rglob("looks.jsonl"))
    held_out = ("--task", "abnormal-cycle->test", "--final", "--seeds", 1, "--people", 10)
    final = respllm("probe", "run", "--data-root", data, *held_out)
    assert final.code == 0, final.err
    assert "abnormal-cycle->test: no curve" in final.out
    assert "Looks written down" in final.out
    assert len((tmp_path / "run" / "looks.jsonl").read_text().splitlines()) == 1


def test_a_mistake_in_the_run_file_is_one_line(respllm: Run, config: Path, tmp_path: Path) -> None:
    config.write_text(CONFIG + "step: 3\n")
    outcome = respllm("pretrain", "audio", config, "--data-root", tmp_path)
    assert outcome.code == 2
    assert "steps" in outcome.err
    assert "Traceback" not in outcome.err
