"""`respllm predict`: one recording, a folder, a table."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from respllm.cli.predict import _dms, _recordings
from respllm.inference.predictor import SIMULATED_MODEL
from respllm.tasks import get_task
from respllm.types import Dms
from tests.cli.conftest import Run

ALLOW = "--allow-simulated-model"
LONG = 131  # more rows than are heard ahead


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """A folder with two recordings, a broken one and a note."""
    folder = tmp_path / "ward"
    (folder / "monday").mkdir(parents=True)
    random = np.random.default_rng(0)
    for name in ("a.wav", "monday/b.flac"):
        soundfile.write(folder / name, 0.1 * random.standard_normal(40_000), 16_000)
    (folder / "broken.wav").write_bytes(b"not a recording")
    (folder / "notes.txt").write_text("not audio")
    return folder


def test_one_recording_with_what_the_person_stated(
    respllm: Run, trained_run: Path, recordings: Path
) -> None:
    person = ("--age", 63, "--gender", "F", "--history", "asthma", "--symptoms", "cough, fever")
    arguments = ("predict", recordings / "a.wav", "--run", trained_run, "--task", "T5", ALLOW)
    answer = respllm(*arguments, *person, "--json").json
    assert 0 < answer["probability"] < 1
    assert answer["task_id"] == "T5"
    assert SIMULATED_MODEL in answer["notes"]
    assert "not a medical device" in answer["notice"]
    assert respllm(*arguments, "--json").json["logit"] != answer["logit"]
    text = " ".join(respllm(*arguments, *person).out.split())
    assert f"T5 (COPD): probability {answer['probability']:.3f}" in text
    assert "the number means nothing" in text
    assert "not a medical device" in text


def test_a_simulated_recording_needs_no_switch(
    respllm: Run, trained_run: Path, small_cohort: Path
) -> None:
    recording = get_task("T5").examples(small_cohort, "test", "clean")[0].clip.record.audio_path
    answer = respllm("predict", recording, "--run", trained_run, "--task", "T5", "--json").json
    assert SIMULATED_MODEL not in answer["notes"]


def test_a_condition_that_no_task_names_gets_a_score_without_a_verdict(
    respllm: Run, trained_run: Path, recordings: Path
) -> None:
    asked = ("--condition", "pneumonia", "--sound", "lung sounds")
    arguments = ("predict", recordings / "a.wav", "--run", trained_run, *asked, ALLOW)
    answer = respllm(*arguments, "--json").json
    assert answer["validated"] is False
    text = respllm(*arguments).out
    assert "pneumonia: score" in text
    assert "probability 0" not in text
    assert "Unvalidated" in text


def test_a_folder_gives_a_csv_and_names_what_it_skipped(
    respllm: Run, trained_run: Path, recordings: Path, tmp_path: Path
) -> None:
    arguments = ("predict", recordings, "--run", trained_run, "--task", "S7", ALLOW)
    outcome = respllm(*arguments, "--out", "answers.csv")
    assert outcome.code == 0, outcome.err
    with (tmp_path / "answers.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["record"] for row in rows] == ["a.wav", "monday/b.flac"]
    assert all(0 < float(row["probability"]) < 1 for row in rows)
    assert all(SIMULATED_MODEL in row["notes"] for row in rows), "beside the number"
    assert "skipped broken.wav" in outcome.err
    assert "2 answered, 1 skipped" in outcome.out
    one = respllm("predict", recordings / "a.wav", *arguments[2:], "--json").json
    assert float(rows[0]["probability"]) == pytest.approx(one["probability"], abs=1e-6)


def test_a_folder_gives_json(
    respllm: Run, trained_run: Path, recordings: Path, tmp_path: Path
) -> None:
    arguments = ("predict", recordings, "--run", trained_run, "--task", "S7", ALLOW)
    printed = respllm(*arguments, "--json").json
    assert [p["record_id"] for p in printed["predictions"]] == ["a.wav", "monday/b.flac"]
    assert [r["record_id"] for r in printed["refused"]] == ["broken.wav"]
    assert "not a medical device" in printed["notice"]
    assert respllm(*arguments, "--out", "answers.json").code == 0
    assert json.loads((tmp_path / "answers.json").read_text()) == printed


def test_a_table_gives_each_person_their_own_text(
    respllm: Run, trained_run: Path, recordings: Path, tmp_path: Path
) -> None:
    shutil.copy(recordings / "a.wav", recordings / "c.wav")
    table = recordings / "cohort.csv"
    table.write_text(
        "audio,age,gender\na.wav,30,F\nc.wav,80,M\nmonday/b.flac,,\nbroken.wav,40,M\ngone.wav,1,F\n"
    )
    arguments = ("predict", table, "--run", trained_run, "--task", "S7", ALLOW)
    outcome = respllm(*arguments, "--json")
    answers = {p["record_id"].split("/", 1)[1]: p for p in outcome.json["predictions"]}
    assert set(answers) == {"a.wav", "c.wav", "monday/b.flac"}
    assert answers["a.wav"]["logit"] != answers["c.wav"]["logit"], "same sound, other person"
    assert "gone.wav: the audio file is missing" in outcome.err
    alone = respllm(
        *("predict", recordings / "c.wav", "--run", trained_run, "--task", "S7", ALLOW),
        *("--age", 80, "--gender", "m", "--json"),
    ).json
    assert answers["c.wav"]["logit"] == pytest.approx(alone["logit"], abs=1e-5)


def long_table(folder: Path, rows: int, bad_age: str = "") -> list[str]:
    """A table of two sounds under ever other names; returns the names as they are written."""
    names = []
    for number in range(rows):
        place = folder / f"day-{number // 2}"
        if not place.exists():
            place.symlink_to(folder, target_is_directory=True)
        names.append(f"{place.name}/{('a.wav', 'monday/b.flac')[number % 2]}")
    ages = [*(str(20 + number % 60) for number in range(rows - 1)), bad_age or "40"]
    cells = [f"{name},{age}" for name, age in zip(names, ages, strict=True)]
    (folder / "long.csv").write_text("\n".join(["audio,age", *cells]) + "\n")
    return names


def test_a_table_of_many_chunks_is_answered_in_its_order(
    respllm: Run, trained_run: Path, recordings: Path, tmp_path: Path
) -> None:
    names = long_table(recordings, LONG)
    (recordings / "day-9").unlink()
    (recordings / "day-9").mkdir()
    (recordings / "day-9" / "a.wav").write_bytes(b"not a recording")
    arguments = ("predict", recordings / "long.csv", "--run", trained_run, "--task", "S7", ALLOW)
    outcome = respllm(*arguments, "--out", "answers.csv")
    assert outcome.code == 0, outcome.err
    assert "skipped long/day-9/a.wav" in outcome.err
    assert "long/day-9/monday/b.flac: the audio file is missing" in outcome.err
    assert f"{len(names) - 2} answered, 1 skipped" in outcome.out
    with (tmp_path / "answers.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    expected = [f"long/{name}" for name in names if not name.startswith("day-9/")]
    assert [row["record"] for row in rows] == expected
    assert len({row["subject"] for row in rows}) == 2, "one person for each sound"
    # 60 rows on come the same sounds of people of the same age, in another chunk.
    for row, twin in zip(rows[:18], rows[58:76], strict=True):
        assert row["subject"] == twin["subject"]
        assert float(row["logit"]) == pytest.approx(float(twin["logit"]), abs=1e-5)
    printed = respllm(*arguments, "--json").json
    assert [p["record_id"] for p in printed["predictions"]] == expected
    assert [r["record_id"] for r in printed["refused"]] == ["long/day-9/a.wav"]


def test_a_bad_last_row_costs_no_answer(
    refused: Callable[..., str], trained_run: Path, recordings: Path, tmp_path: Path
) -> None:
    long_table(recordings, LONG, bad_age="old")
    arguments = ("predict", recordings / "long.csv", "--run", trained_run, "--task", "S7", ALLOW)
    assert f"row {LONG}, column 'age'" in refused(*arguments, "--out", "answers.csv")
    assert not list(tmp_path.glob("answers*"))


def test_a_folder_is_read_in_the_order_of_its_paths(tmp_path: Path) -> None:
    for name in ("b.wav", "a/z.wav", "a.wav", "a/b/c.FLAC", "a-b/x.ogg", ".wav", "a/x.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = _recordings(tmp_path)
    assert found == [
        str(path.relative_to(tmp_path)) for path in sorted(map(tmp_path.joinpath, found))
    ]
    assert set(found) == {"b.wav", "a/z.wav", "a.wav", "a/b/c.FLAC", "a-b/x.ogg"}


def test_strict_stops_at_the_broken_one(
    refused: Callable[..., str], trained_run: Path, recordings: Path, tmp_path: Path
) -> None:
    arguments = ("predict", recordings, "--run", trained_run, "--task", "S7", ALLOW)
    assert "broken.wav" in refused(*arguments, "--strict", "--out", "answers.csv")
    assert not (tmp_path / "answers.csv").exists()


def test_the_newest_run_is_taken_if_none_is_named(
    respllm: Run, refused: Callable[..., str], trained_run: Path, recordings: Path, tmp_path: Path
) -> None:
    arguments = ("predict", recordings / "a.wav", "--task", "S7", ALLOW)
    assert "no trained run here" in refused(*arguments)
    shutil.copytree(trained_run, tmp_path / "runs" / "mine")
    assert "runs/mine" in respllm(*arguments).out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["ward/a.wav", "--task", "S7"], "--allow-simulated-model"),
        (["ward/gone.wav", "--task", "S7", ALLOW], "does not exist"),
        (["ward/broken.wav", "--task", "S7", ALLOW], "broken.wav"),
        (["ward/a.wav", "--task", "S77", ALLOW], "Did you mean 'S7'"),
        (["ward/a.wav", ALLOW], "not clear what to ask"),
        (["ward/a.wav", "--task", "S7", "--gender", "femal", ALLOW], "Did you mean 'female'"),
        (["ward/a.wav", "--task", "S7", "--age", "630", ALLOW], "not possible"),
        (["ward", "--task", "S7", ALLOW], "add --out"),
        (["ward", "--task", "S7", "--out", "a.xlsx", ALLOW], ".csv or .json"),
        (["ward/monday/..", "--condition", "x", ALLOW, "--json"], "not clear what to ask"),
        (["ward/t.csv", "--task", "S7", "--age", "3", ALLOW, "--json"], "table's columns"),
        (["ward/t.csv", "--task", "S7", ALLOW, "--json"], "audio"),
        (["empty", "--task", "S7", ALLOW, "--json"], "No recording in empty"),
    ],
)
def test_what_cannot_be_answered_is_one_line(
    refused: Callable[..., str],
    trained_run: Path,
    recordings: Path,
    tmp_path: Path,
    arguments: list[str],
    message: str,
) -> None:
    (tmp_path / "empty").mkdir()
    (recordings / "t.csv").write_text("sound\na.wav\n")
    assert message in refused("predict", *arguments, "--run", trained_run)


def test_a_folder_that_is_no_run(refused: Callable[..., str], recordings: Path) -> None:
    line = refused("predict", recordings / "a.wav", "--task", "S7", "--run", "ward")
    assert "No checkpoint in ward" in line


def test_what_is_not_given_is_not_stated() -> None:
    assert _dms(None, None, None, None, None) == Dms()


def test_what_is_given_is_read_as_stated(capsys: pytest.CaptureFixture[str]) -> None:
    dms = _dms("63", " f", "asthma", "cough, fever", "right posterior chest")
    assert dms == Dms("Female", 63, ("asthma",), ("cough", "fever"), "right posterior chest")
    assert _dms("45-64", "other", "none", "None", None) == Dms("Other", "45-64", (), ())
    assert capsys.readouterr().err == ""


def test_a_word_that_no_dataset_uses_is_read_and_noted(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert _dms(None, None, "astma", None, None).medical_history == ("astma",)
    assert "Did you mean 'asthma'" in capsys.readouterr().err
