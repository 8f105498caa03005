"""Tables end to end on a small simulated cohort: what is run, what is reused, what it holds."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from respllm.comparisons import Study, everything, learning_curve, paper_table
from respllm.comparisons.entries import entry
from respllm.errors import ConfigError, DataError
from respllm.models import PRESETS
from respllm.models import llm as llm_module
from respllm.models.llm import Preset
from tests.comparisons.conftest import RUN
from tests.models.conftest import write_tiny_llm

SEEDS = (3, 4)


@pytest.mark.slow
def test_table_2_and_3_share_their_models_and_nothing_runs_twice(study: Study) -> None:
    begun: list[str] = []
    second = paper_table(2, study, SEEDS, begun.append)
    assert second.tasks == ("S4", "S6", "S7")
    assert len(begun) == 6 * len(SEEDS)
    assert [row.entry.title for row in second.rows][-1] == "RespLLM"
    for row in second.rows:
        assert not row.not_run
        for cell in row.cells:
            assert cell.score is not None
            assert cell.score.value is not None
            assert 0 <= cell.score.low <= cell.score.value <= cell.score.high <= 1  # type: ignore[operator]
            assert cell.score.n_runs == len(SEEDS)
    third = paper_table(3, study, SEEDS, begun.append)
    assert len(begun) == 6 * len(SEEDS)
    assert third.tasks == ("T1", "T6")
    audio, respllm = third.rows[0], third.rows[-1]
    assert audio.cells[0].sources == ("S4",)
    assert audio.cells[1].score is None
    assert respllm.cells[1].score is not None
    looks = (study.folder / "looks.jsonl").read_text().splitlines()
    assert len(looks) == 6 * len(SEEDS)


@pytest.mark.slow
def test_every_model_answers_the_same_test_people(study: Study) -> None:
    held_out, unseen = everything(study, SEEDS[:1], lambda what: None)
    for task in ("S4", "S6", "S7"):
        counts = {
            (cell.score.n_records, cell.score.n_subjects)
            for row in held_out.rows
            for cell in row.cells
            if cell.task_id == task and cell.score is not None
        }
        assert len(counts) == 1, task
    names = {row.entry.name for row in held_out.rows}
    assert {"respllm-per-task", "respllm-text", "fusion-add-blind", "dms-trees", "age"} <= names
    assert "respllm-random" not in names
    blind = next(row for row in unseen.rows if row.entry.name == "fusion-add-blind")
    assert all(cell.score is not None for cell in blind.cells)  # it answers whatever is asked


@pytest.mark.slow
def test_the_published_blind_fusion_cannot_tell_two_questions_apart(study: Study) -> None:
    everything(study, SEEDS[:1], lambda what: None, ["fusion-concat", "fusion-concat-blind"])

    def logits(name: str, task: str) -> dict[str, float]:
        rows = study.scores(entry(name), SEEDS[0])
        return {r.scored.record_id: r.scored.logit for r in rows if r.scored.task_id == task}

    both = sorted(logits("fusion-concat", "S4").keys() & logits("fusion-concat", "S6").keys())
    assert both
    for name, same in (("fusion-concat-blind", True), ("fusion-concat", False)):
        covid, smoking = logits(name, "S4"), logits(name, "S6")
        assert all((covid[r] == pytest.approx(smoking[r], abs=1e-5)) == same for r in both)


@pytest.mark.slow
def test_table_6_runs_the_language_models_it_can_have(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = write_tiny_llm(tmp_path / "tiny", "gemma2")
    missing = Preset(str(tmp_path / "none"), 1, False, "")
    presets = {name: missing for name in PRESETS if name != "nano"}
    presets["gemma2-2b"] = Preset(str(tiny), 1, False, "")
    monkeypatch.setattr(llm_module, "PRESETS", PRESETS | presets)
    table = paper_table(6, study, SEEDS[:1], lambda what: None)
    rows = {row.entry.title: row for row in table.rows}
    assert all(cell.score is not None for cell in rows["Gemma2-2B"].cells)
    assert "could not be loaded" in rows["Mistral-7B"].not_run
    assert rows["Mistral-7B"].cells[0].score is None


@pytest.mark.slow
def test_a_learning_curve_ends_with_everyone(study: Study) -> None:
    curve = learning_curve(study, SEEDS[:1], lambda what: None)
    for result, points in zip(curve.results, curve.points, strict=True):
        assert [p.subjects for p in points] == sorted({p.subjects for p in points})
        assert len(points) == len(result.rows)
        assert result.rows[-1].entry.name == "respllm"
    assert curve.points[0][-1].people == sum(
        len(study.data.selections[task.id].subjects("train")) for task in study.data.trained
    )


def test_a_study_belongs_to_one_run_and_its_data(study: Study, tmp_path: Path) -> None:
    other = RUN.model_copy(update={"seed": 9})
    with pytest.raises(ConfigError, match=r"other settings: seed"):
        Study(other, Path(), study.data_root, study.folder)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ConfigError, match="holds no study"):
        Study(RUN, Path(), study.data_root, tmp_path)
    assert study.data.test.examples
    record = study.folder / "study.json"
    before = record.read_text()
    record.write_text(json.dumps(json.loads(before) | {"splits": {}}))
    try:
        with pytest.raises(DataError, match="not those this study began with"):
            _ = Study(RUN, Path(), study.data_root, study.folder).data
    finally:
        record.write_text(before)


def test_another_table_is_refused(study: Study) -> None:
    with pytest.raises(ConfigError, match="Unknown table '8'"):
        paper_table(8, study, SEEDS, lambda what: None)
