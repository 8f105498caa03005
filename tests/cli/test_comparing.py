"""`respllm table`, `baselines` and `curve`: from a run file to a table, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from respllm.cli.comparing import print_comparison
from respllm.comparisons.entries import entry
from respllm.comparisons.tabulating import tabulate_parts
from respllm.evaluation import ScoredClip, ScoreRow
from respllm.tasks import get_task
from tests.cli.conftest import Run

CONTENT = {
    "name": "mini",
    "tasks": {"train": ["S4", "S7"], "test": ["T1"]},
    "training": {"epochs": 1, "batch_size": 64, "learning_rate": 0.001},
    "baselines": {"training": {"epochs": 1, "batch_size": 64}},
}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "mini.yaml"
    path.write_text(yaml.safe_dump(CONTENT))
    return path


@pytest.mark.slow
def test_a_table_and_then_all_controls_reuse_what_is_there(
    respllm: Run, config: Path, small_cohort: Path, tmp_path: Path
) -> None:
    arguments = (config, "--data-root", small_cohort, "--seeds", "1", "--out", tmp_path / "study")
    printed = respllm("table", "3", *arguments)
    assert printed.code == 0, printed.err
    assert "SIMULATED data. Table 3" in printed.out
    assert "paper 0.6424" in printed.out
    assert "not a medical device" in printed.out
    assert "RespLLM, seed 42" in printed.err
    assert (tmp_path / "study" / "table-3.md").is_file()
    again = respllm("baselines", *arguments, "--model", "age", "--model", "audio", "--json")
    assert "Age alone, seed 42" in again.err
    assert "Audio, seed 42" not in again.err
    held_out, unseen = again.json
    assert [row["entry"]["name"] for row in held_out["rows"]] == ["age", "audio", "respllm"]
    assert unseen["tasks"] == ["T1"]
    for name in ("chosen-trained", "chosen-targets"):
        assert (tmp_path / "study" / f"{name}.csv").is_file()


@pytest.mark.slow
def test_a_learning_curve_from_the_command_line(
    respllm: Run, config: Path, small_cohort: Path, tmp_path: Path
) -> None:
    arguments = (config, "--data-root", small_cohort, "--seeds", "1", "--out", tmp_path / "study")
    curve = respllm("curve", *arguments, "--json").json
    assert [result["columns"] for result in curve] == ["trained", "targets"]
    assert (tmp_path / "study" / "curve-trained.md").is_file()


def test_what_cannot_be_compared_is_one_line(
    refused: Callable[..., str], config: Path, small_cohort: Path, tmp_path: Path
) -> None:
    root = ("--data-root", small_cohort)
    assert "Unknown model 'audi'" in refused("baselines", config, *root, "--model", "audi")
    assert "Unknown protocol 'papr'" in refused("table", 2, config, *root, "--protocol", "papr")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "file").write_text("x")
    assert "holds no study" in refused("table", 2, config, *root, "--out", tmp_path / "full")


@pytest.mark.parametrize("tasks", [1, 7])
def test_no_number_is_cut_off_however_many_columns(
    capsys: pytest.CaptureFixture[str], tasks: int
) -> None:
    names = [f"S{number}" for number in range(1, tasks + 1)]
    scores = [
        [
            ScoreRow("+".join(names), "test", f"{name}/{i}", ScoredClip(name, f"{i}", f"{i}", x, y))
            for name in names
            for i, (x, y) in enumerate(zip(range(20), [0, 1] * 10, strict=True))
        ]
    ]
    (table,) = tabulate_parts(
        [entry("fusion-concat"), entry("respllm")],
        {"fusion-concat": scores, "respllm": scores},
        {},
        [get_task(name) for name in names],
        [],
        ("Title", ""),
        reference="respllm",
        protocol="clean",
        simulated=False,
        seeds=(1,),
        notes={},
    )
    print_comparison(table)
    assert "…" not in capsys.readouterr().out
