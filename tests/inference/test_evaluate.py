"""A test writes what was answered, beside what is needed to read it, and logs the look."""

from __future__ import annotations

import csv
import errno
import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from respllm import Predictor
from respllm.encoders import load_encoder
from respllm.errors import AudioError, SafetyError
from respllm.evaluation import auroc_score, read_rows, read_scores
from respllm.inference import Evaluation, evaluate
from respllm.models import Checkpoint
from respllm.tasks import Learned, get_task
from respllm.types import Example, ProtocolName

TASKS = ("S7", "S6", "T5", "T1")


def run_test(
    run: Path,
    data: Path,
    out: Path,
    *tasks: str,
    protocol: ProtocolName = "clean",
    strict: bool = False,
    learned: Learned | None = None,
    allow_simulated_model: bool = False,
    validation: Sequence[Example] = (),
    heard: Path | None = None,
) -> Evaluation:
    encoder = load_encoder("mel-patch")
    encoder.heard = heard
    return evaluate(
        Checkpoint.from_pretrained(run),
        encoder,
        [get_task(task) for task in tasks],
        data,
        out,
        name="my run",
        protocol=protocol,
        learned=learned or Learned.read(run / "learned.json"),
        allow_simulated_model=allow_simulated_model,
        strict=strict,
        validation=validation,
    )


@pytest.fixture(scope="module")
def results(
    trained_run: Path, small_cohort: Path, tmp_path_factory: pytest.TempPathFactory
) -> Evaluation:
    return run_test(trained_run, small_cohort, tmp_path_factory.mktemp("results"), *TASKS)


def test_there_is_one_row_per_task(results: Evaluation) -> None:
    assert [row.task_id for row in results.rows] == list(TASKS)
    assert [row.role for row in results.rows] == ["trained", "trained", "zero-shot", "zero-shot"]
    assert results.simulated
    for row in results.rows:
        score = row.score
        assert score.value is not None
        assert score.low is not None
        assert score.high is not None
        assert 0 <= score.low <= score.value <= score.high <= 1
        assert row.best_reachable is not None
        assert row.paper is not None
        assert row.skipped == 0
        assert row.trivial


def test_every_test_recording_has_one_prediction(results: Evaluation, small_cohort: Path) -> None:
    found = pd.read_csv(results.folder / "predictions.csv")
    for task in TASKS:
        examples = get_task(task).examples(small_cohort, "test", "clean")
        records = {e.clip.record.record_id: e.label for e in examples}
        own = found[found["task"] == task]
        assert dict(zip(own["record"], own["label"], strict=True)) == records
        assert own["probability"].between(0, 1).all()
    assert len(found) == len(results.predictions)
    assert found[["task", "record"]].duplicated().sum() == 0
    assert set(found["model"]) == {results.predictions[0].model_id}
    zero_shot = found[found["task"] == "T1"]
    assert zero_shot["notes"].str.startswith("Unvalidated").all()


def test_the_predictor_gives_the_same_answers(
    results: Evaluation, trained_run: Path, small_cohort: Path
) -> None:
    predictor = Predictor.from_pretrained(trained_run)
    tested = {(p.task_id, p.record_id): p for p in results.predictions}
    for task in TASKS:
        for example in get_task(task).examples(small_cohort, "test", "clean")[:5]:
            record = example.clip.record
            answer = predictor.predict(record.audio_path, record.dms, task)
            expected = tested[task, record.record_id]
            assert answer.probability == pytest.approx(expected.probability, abs=1e-6)
            assert answer.logit == pytest.approx(expected.logit, abs=1e-5)


def test_the_table_is_marked_simulated(results: Evaluation) -> None:
    table = (results.folder / "table.md").read_text(encoding="utf-8")
    assert table.startswith("# SIMULATED: my run")
    assert "not a medical device" in table
    assert "Best reachable" in table
    scores = pd.read_csv(results.folder / "scores.csv")
    assert set(TASKS) <= set(scores.iloc[:, 0])
    assert results.folder.name == "clean"


def test_every_clip_is_kept_and_validation_people_make_no_row(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    validation = get_task("S6").examples(small_cohort, "validation", "clean")
    result = run_test(trained_run, small_cohort, tmp_path, "S6", "T5", validation=validation)
    assert [row.task_id for row in result.rows] == ["S6", "T5"]
    assert read_rows(result.folder / "rows.json") == result.rows
    kept = read_scores(result.folder / "clips.csv")
    parts = {
        part: {row.scored.record_id for row in kept if row.part == part and row.source == "S7+S6"}
        for part in ("validation", "test")
    }
    assert parts["validation"] == {example.clip.record.record_id for example in validation}
    assert len(parts["test"]) == sum(row.score.n_records for row in result.rows)
    test = [row.scored for row in kept if row.part == "test" and row.scored.task_id == "S6"]
    assert auroc_score(test) == result.rows[0].score


def test_every_look_is_logged(trained_run: Path, small_cohort: Path, tmp_path: Path) -> None:
    for tasks in (("T5",), ("T5", "T1")):
        run_test(trained_run, small_cohort, tmp_path, *tasks)
    lines = [json.loads(line) for line in (tmp_path / "looks.jsonl").read_text().splitlines()]
    assert [list(line["test_clips"]) for line in lines] == [["T5"], ["T5", "T1"]]
    assert all(line["test_clips"]["T5"] > 0 and line["protocol"] == "clean" for line in lines)
    model = Checkpoint.from_pretrained(trained_run).model_id
    assert all(line["model"] == model and line["time"] for line in lines)


def test_protocols_share_no_table(trained_run: Path, small_cohort: Path, tmp_path: Path) -> None:
    clean = run_test(trained_run, small_cohort, tmp_path, "S6")
    paper = run_test(trained_run, small_cohort, tmp_path, "S6", protocol="paper")
    assert clean.folder != paper.folder
    assert {p.name for p in clean.folder.iterdir()} == {p.name for p in paper.folder.iterdir()}
    assert (clean.rows[0].score.unit, paper.rows[0].score.unit) == ("subject", "recording")


@pytest.fixture
def lungs(small_cohort: Path, tmp_path: Path) -> Path:
    """A copy of the KAUH part without the cohort's marker: it passes for real."""
    shutil.copytree(small_cohort / "kauh", tmp_path / "data" / "kauh")
    return tmp_path / "data"


def test_a_broken_recording_is_skipped_named_and_counted(
    trained_run: Path, lungs: Path, tmp_path: Path
) -> None:
    broken = get_task("T5").examples(lungs, "test", "clean")[0].clip
    broken.record.audio_path.write_bytes(b"noise")
    results = run_test(trained_run, lungs, tmp_path / "out", "T5", allow_simulated_model=True)
    assert results.rows[0].skipped == 1
    with (results.folder / "skipped.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["clip"] for row in rows] == [broken.clip_id]
    assert "decoded" in rows[0]["reason"]
    assert broken.record.record_id not in {p.record_id for p in results.predictions}
    with pytest.raises(AudioError, match=broken.record.record_id):
        run_test(
            trained_run, lungs, tmp_path / "strict", "T5", strict=True, allow_simulated_model=True
        )


def test_real_recordings_are_not_called_simulated(
    trained_run: Path, lungs: Path, tmp_path: Path
) -> None:
    with pytest.raises(SafetyError, match="trained on simulated recordings"):
        run_test(trained_run, lungs, tmp_path / "refused", "T5")
    results = run_test(trained_run, lungs, tmp_path / "out", "T5", allow_simulated_model=True)
    assert not results.simulated
    assert "the number means nothing" in results.rows[0].note
    assert results.rows[0].best_reachable is None
    assert "SIMULATED" not in (results.folder / "table.md").read_text(encoding="utf-8")


def test_when_nothing_can_be_heard_there_is_no_score(
    trained_run: Path, lungs: Path, tmp_path: Path
) -> None:
    for example in get_task("T5").examples(lungs, "test", "clean"):
        example.clip.record.audio_path.write_bytes(b"")
    results = run_test(trained_run, lungs, tmp_path / "out", "T5", allow_simulated_model=True)
    assert results.predictions == ()
    assert results.rows[0].score.value is None
    assert results.rows[0].score.note


def test_whom_the_encoder_heard_is_told(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    examples = get_task("S7").select(small_cohort, "clean").parts["test"]
    path = tmp_path / "heard.json"
    path.write_text(json.dumps(Learned.of(examples).plain()))
    results = run_test(trained_run, small_cohort, tmp_path / "out", "S7", "T5", heard=path)
    count = len({example.clip.record.record_id for example in examples})
    assert f"the audio encoder heard {count} of these recordings" in results.rows[0].note
    assert "the audio encoder heard" not in results.rows[1].note


def test_nobody_learned_from_is_tested(
    trained_run: Path, small_cohort: Path, tmp_path: Path
) -> None:
    """Whatever a folder's split says now: people and sounds of the training stay out."""
    test = get_task("T5").examples(small_cohort, "test", "clean")
    person = test[0].clip.record.subject_id
    sound = next(e for e in test if e.clip.record.subject_id != person)
    by_name = Learned.of(e for e in test if e.clip.record.subject_id == person)
    by_sound = Learned(frozenset({"somebody else"}), Learned.of([sound]).recordings)
    results = run_test(
        trained_run, small_cohort, tmp_path, "T5", learned=Learned(by_name.people, frozenset())
    )
    assert person not in {one.subject_id for one in results.predictions}
    assert "recordings left out: the model learned" in results.rows[0].note
    results = run_test(trained_run, small_cohort, tmp_path, "T5", learned=by_sound)
    assert sound.clip.record.record_id not in {one.record_id for one in results.predictions}
    assert len(results.predictions) == len({e.clip.record.record_id for e in test}) - 1


@pytest.mark.parametrize("file", ["scores.csv", "table.md", "predictions.csv", "skipped.csv"])
def test_a_test_that_is_stopped_in_a_write_leaves_the_older_results_whole(
    trained_run: Path,
    small_cohort: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    file: str,
) -> None:
    """Stopped, or out of space, after a few bytes: half a table is never under its name."""
    folder = run_test(trained_run, small_cohort, tmp_path, "T5").folder
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    real = io.open

    def cut(path: Any, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        opened = real(path, mode, *args, **kwargs)
        if "w" in mode and Path(path).name in (file, f"{file}.new"):
            opened.write("half")
            opened.flush()
            raise OSError(errno.ENOSPC, "No space left on device", str(path))
        return opened

    with monkeypatch.context() as patch:
        patch.setattr(io, "open", cut)
        patch.setattr("builtins.open", cut)
        with pytest.raises(OSError, match="No space left"):
            run_test(trained_run, small_cohort, tmp_path, "T5")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
