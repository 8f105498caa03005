"""What a report is made of: a run's own files, and a study only of the same people."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from respllm.cli.evaluate import evaluate_run
from respllm.comparisons import Study, everything, learning_curve
from respllm.errors import ConfigError
from respllm.reports.assembling import assemble_inputs
from respllm.training import RunFolder
from tests.comparisons.conftest import RUN


@pytest.fixture(scope="module")
def study(small_cohort: Path, tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A baseline, two seeds of RespLLM and a learning curve; the first run is evaluated."""
    made = Study(RUN, Path(), small_cohort, tmp_path_factory.mktemp("study") / "mini")
    everything(made, (3, 4), lambda what: None, names=["audio"])
    learning_curve(made, (3,), lambda what: None)
    evaluate_run(made.folder / "respllm" / "seed-3" / "run", small_cohort)
    return made


def run_of(study: Study) -> Path:
    return study.folder / "respllm" / "seed-3" / "run"


@pytest.mark.slow
def test_models_stand_beside_a_run_of_their_study(study: Study) -> None:
    inputs = assemble_inputs(run_of(study), audit_file="audit.json", study=study.folder)
    assert inputs.simulated
    assert inputs.audit is None
    assert [table.rows[0][0] for table in inputs.comparisons] == ["Audio", "Audio"]
    assert {one.task_id for one in inputs.differences} == {"S4", "S6", "S7", "T1"}
    assert {curve.task for curve in inputs.curves} == {"S4", "S6", "S7", "T1", "T6"}
    for curve in inputs.curves:
        assert list(curve.subjects) == sorted(set(curve.subjects))
        assert len(curve.subjects) == 4  # an eighth, a quarter, half, all
    tasks = {one.task_id: one for one in inputs.assessments}
    assert tasks["S7"].n_validation > 0
    assert tasks["T1"].n_validation == 0


@pytest.mark.slow
def test_probabilities_are_those_that_an_answer_gives(study: Study) -> None:
    """After the correction of the training prior, as `predictions.csv` has them."""
    run = run_of(study)
    inputs = assemble_inputs(run, audit_file="audit.json")
    lines = (run / "results" / "clean" / "predictions.csv").read_text().splitlines()[1:]
    given = {
        fields[2]: float(fields[5]) for line in lines if (fields := line.split(","))[0] == "S6"
    }
    units = next(one.units for one in inputs.assessments if one.task_id == "S6")
    assert units
    for unit in units:
        assert unit.probability == pytest.approx(given[unit.subject_id], abs=1e-9)


@pytest.mark.slow
def test_a_study_of_other_people_is_refused(study: Study, tmp_path: Path) -> None:
    shutil.copytree(run_of(study), tmp_path / "run")
    record = RunFolder(tmp_path / "run").record
    content = json.loads(record.read_text())
    content["splits"]["S7"]["test"] = "other"
    record.write_text(json.dumps(content))
    with pytest.raises(ConfigError, match="not about the people of this run"):
        assemble_inputs(tmp_path / "run", audit_file="audit.json", study=study.folder)


@pytest.mark.slow
def test_nobody_is_named_to_help_with_a_name(study: Study) -> None:
    with pytest.raises(ConfigError, match="Nobody is called 'nobody'") as caught:
        assemble_inputs(run_of(study), audit_file="audit.json", cases=["nobody"])
    assert "covid19_sounds/" not in str(caught.value)
