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
    shown = respllm(*asked)
    assert shown.code == 0, shown.err
    assert "SIMULATED" in shown.out
    assert "S7" in shown.out
    assert "not a medical device" in shown.out.lower() or "research" in shown.out.lower()
    row = respllm(*asked, "--json").json["rows"][0]
    assert row["score"]["n_subjects"] > 10
    assert row["versus"][0]["baseline"] == "log-mel statistics"


def test_a_mistake_in_the_run_file_is_one_line(respllm: Run, config: Path, tmp_path: Path) -> None:
    config.write_text(CONFIG + "step: 3\n")
    outcome = respllm("pretrain", "audio", config, "--data-root", tmp_path)
    assert outcome.code == 2
    assert "steps" in outcome.err
    assert "Traceback" not in outcome.err
