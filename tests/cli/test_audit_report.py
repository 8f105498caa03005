"""`respllm audit` and `respllm report`: a run questioned, and told to its readers."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from respllm.cli.evaluate import evaluate_run
from tests.cli.conftest import Run


@pytest.fixture(scope="module")
def evaluated(
    trained_run: Path, small_cohort: Path, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    run = tmp_path_factory.mktemp("evaluated") / "run"
    shutil.copytree(trained_run, run)
    evaluate_run(run, small_cohort)
    return run


@pytest.mark.slow
def test_an_audit_and_its_report(respllm: Run, evaluated: Path, small_cohort: Path) -> None:
    before = (evaluated / "results" / "looks.jsonl").read_text()
    audited = respllm("audit", evaluated, "--data-root", small_cohort)
    assert audited.code == 0, audited.err
    assert "Findings" in audited.out
    assert "SIMULATED" in audited.out
    looks = (evaluated / "results" / "looks.jsonl").read_text()
    assert looks.startswith(before)
    assert json.loads(looks.splitlines()[-1])["what"] == "audit"
    printed = respllm("report", evaluated, "--data-root", small_cohort)
    assert printed.code == 0, printed.err
    assert "not a medical device" in printed.out
    html = (evaluated / "report" / "report.html").read_text(encoding="utf-8")
    assert "Integrated Gradients" in html
    assert "SIMULATED" in html
    subjects = {
        line.split(",")[4] for line in (evaluated / "results/clean/clips.csv").read_text().split()
    }
    assert not any(subject in html for subject in subjects if "/" in subject)


@pytest.mark.slow
def test_a_report_without_data_or_audit_says_what_is_missing(
    respllm: Run, evaluated: Path, tmp_path: Path
) -> None:
    shutil.copytree(evaluated, tmp_path / "run")
    (tmp_path / "run" / "results" / "clean" / "audit.json").unlink(missing_ok=True)
    made = respllm("report", tmp_path / "run", "--out", tmp_path / "told", "--json").json
    assert Path(made["html"]).is_file()
    text = (tmp_path / "told" / "report.md").read_text(encoding="utf-8")
    assert "respllm audit" in text
    assert "respllm baselines" in text


@pytest.mark.slow
def test_one_person_is_shown_only_by_name(respllm: Run, evaluated: Path, tmp_path: Path) -> None:
    rows = (evaluated / "results" / "clean" / "clips.csv").read_text().splitlines()
    fields = next(row.split(",") for row in rows if ",test,S6," in row)
    subject = fields[4]
    told = respllm("report", evaluated, "--case", subject, "--out", tmp_path / "told")
    assert told.code == 0, told.err
    assert subject.split("/")[1] in (tmp_path / "told" / "report.md").read_text(encoding="utf-8")


def test_what_was_not_evaluated_cannot_be_reported(
    refused: Callable[..., str], trained_run: Path, tmp_path: Path
) -> None:
    assert "respllm evaluate" in refused("report", trained_run)
    assert "No run in" in refused("report", tmp_path)
    assert "No run in" in refused("audit", tmp_path, "--data-root", tmp_path)
