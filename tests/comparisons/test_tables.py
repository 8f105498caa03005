"""Tables end to end on a small simulated cohort: what is run, what is reused, what it holds."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from respllm.comparisons import (
    Study,
    collect,
    collect_curve,
    everything,
    learning_curve,
    paper_table,
)
from respllm.comparisons.entries import entry
from respllm.comparisons.study import read_record
from respllm.errors import ConfigError, DataError
from respllm.models import PRESETS
from respllm.models import llm as llm_module
from respllm.models.llm import Preset
from respllm.simulation import best_logits
from respllm.training import RunFolder
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
    for task in ("S4", "S6", "S7", "T1"):
        tested = {
            tuple(sorted((r.clip_id, r.scored.subject_id, r.scored.label) for r in rows))
            for row in held_out.rows
            if not row.not_run
            and (
                rows := [
                    r
                    for r in study.scores(row.entry, SEEDS[0])
                    if (r.part, r.scored.task_id) == ("test", task)
                ]
            )
        }
        assert len(tested) == 1, task
    age = next(row for row in unseen.rows if row.entry.name == "age")
    assert age.cells[-1].score is not None  # it needs no source task
    names = {row.entry.name for row in held_out.rows}
    assert {"respllm-per-task", "respllm-text", "fusion-add-blind", "dms-trees", "age"} <= names
    assert "respllm-random" not in names  # nano begins with random weights itself
    best = next(row for row in held_out.rows if row.entry.name == "posterior")
    truth = best_logits(study.data_root)
    assert {
        (r.scored.record_id, r.scored.logit)
        for r in study.scores(best.entry, SEEDS[0])
        if (r.part, r.scored.task_id) == ("test", "S4")
    } <= {(record, logit) for (task, record), logit in truth.items() if task == "S4"}
    blind = next(row for row in unseen.rows if row.entry.name == "fusion-add-blind")
    assert all(cell.score is not None for cell in blind.cells)  # it answers whatever is asked


@pytest.mark.slow
def test_the_published_blind_fusion_cannot_tell_two_questions_apart(study: Study) -> None:
    everything(study, SEEDS[:1], lambda what: None, names=["fusion-concat", "fusion-concat-blind"])

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
    results = learning_curve(study, SEEDS[:1], lambda what: None)
    assert [result.columns for result in results] == ["trained", "targets"]
    for result in results:
        sizes = [row.entry.limit_subjects for row in result.rows]
        assert sizes[-1] is None
        assert len(sizes) > 2
    assert read_record(study.folder).people == {
        task.id: len(study.data.selections[task.id].subjects("train"))
        for task in study.data.trained
    }
    assert collect_curve(study.folder) == results


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


@pytest.mark.slow
def test_what_one_task_cannot_give_is_said_and_the_others_are_kept(
    small_cohort: Path, tmp_path: Path
) -> None:
    """An own table that states nothing about people beside ICBHI, which does."""
    recordings = sorted((small_cohort / "kauh" / "Audio Files").iterdir())
    rows = [(path, f"p{i}", i % 2) for i, path in enumerate(recordings[::3])]
    table = pd.DataFrame(rows, columns=["audio", "person", "label"])
    table.to_csv(tmp_path / "own.csv", index=False)
    task = {
        **{"id": "own", "dataset_description": "some place", "question": "whether it is odd"},
        **{"sound": "lung sounds", "word_for_1": "odd", "word_for_0": "even"},
        "table": {"table": "own.csv", "subject_column": "person"},
    }
    (tmp_path / "own.yaml").write_text(json.dumps(task))
    tasks = RUN.tasks.model_copy(update={"train": ("S7", "own.yaml"), "test": ()})
    run = RUN.model_copy(update={"tasks": tasks})
    study = Study(run, tmp_path, small_cohort, tmp_path / "study")
    (result,) = everything(study, SEEDS[:1], lambda what: None, names=["dms-logistic", "age"])
    logistic, age, respllm = result.rows
    for row in (logistic, age):
        assert row.cells[0].score is not None
        assert row.cells[1].score is None
    assert "No value is stated" in logistic.cells[1].note
    assert "no answer" in age.cells[1].note
    assert all(cell.score is not None for cell in respllm.cells)
    assert result.averaged == ("S7", "own")
    assert logistic.mean is None
    assert respllm.mean is not None
    assert collect(study.folder)[0].rows[-1].cells == respllm.cells


def test_a_study_refuses_what_its_models_could_not_share(
    small_cohort: Path, tmp_path: Path
) -> None:
    for change in ({"init_from": tmp_path}, {"limit_subjects": 4}):
        with pytest.raises(ConfigError, match=next(iter(change))):
            Study(RUN.model_copy(update=change), Path(), small_cohort, tmp_path / "study")


@pytest.mark.slow
def test_of_some_tasks_learned_each_model_gets_its_own(small_cohort: Path, tmp_path: Path) -> None:
    tasks = RUN.tasks.model_copy(update={"learn": ("S6",), "test": ()})
    study = Study(RUN.model_copy(update={"tasks": tasks}), Path(), small_cohort, tmp_path / "study")
    (held_out, unseen) = everything(study, SEEDS[:1], lambda what: None, names=["respllm-per-task"])
    assert held_out.tasks == ("S6",)
    assert set(unseen.tasks) == {"S4", "S7"}
    run = RunFolder(study.place(entry("respllm-per-task"), SEEDS[0]) / "run-S6")
    assert run.read_config().tasks.learned == ("S6",)


def test_the_runs_own_language_model_is_not_trained_twice(study: Study, tmp_path: Path) -> None:
    model = RUN.model.model_copy(update={"llm": "gemma2-2b"})
    other = Study(RUN.model_copy(update={"model": model}), Path(), study.data_root, tmp_path / "s")
    assert other.place(entry("llm-gemma2-2b"), 3) == other.place(entry("respllm"), 3)
    assert other.place(entry("llm-mistral-7b"), 3) != other.place(entry("respllm"), 3)
