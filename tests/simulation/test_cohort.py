"""The cohort as a user and the adapters meet it."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import openpyxl
import pandas as pd
import pytest
import soundfile

from respllm.datasets import DatasetContents, load_contents
from respllm.errors import ConfigError, DataError
from respllm.simulation import (
    CEILINGS,
    MARKER,
    TRUTH,
    CohortSummary,
    is_simulated,
    simulate_cohort,
)
from respllm.simulation.answers import QUESTIONNAIRES, Answers
from respllm.simulation.layouts import LAYOUTS, WrittenFile
from respllm.simulation.posterior import posterior
from respllm.simulation.questions import QUESTIONS
from respllm.simulation.sampling import draw_sample
from respllm.types import Dms, Record

SUBJECTS = 110
SPLIT_NAMES = {"uk_covid19": "official", "icbhi": "official"}


@pytest.fixture(scope="module")
def summary(tmp_path_factory: pytest.TempPathFactory) -> CohortSummary:
    return simulate_cohort(tmp_path_factory.mktemp("cohort") / "data", SUBJECTS, seed=3)


@pytest.fixture(scope="module")
def truth(summary: CohortSummary) -> pd.DataFrame:
    return pd.read_csv(summary.directory / TRUTH)


@pytest.fixture(scope="module")
def records(summary: CohortSummary) -> dict[str, Record]:
    return {
        record.record_id: record
        for dataset in summary.subjects
        for record in load_contents(dataset, summary.directory).records
    }


def test_the_adapters_read_every_file(summary: CohortSummary, records: dict[str, Record]) -> None:
    for dataset, count in summary.recordings.items():
        contents = load_contents(dataset, summary.directory)
        assert len(contents.records) == count
        assert contents.missing == ()
        assert len({r.subject_id for r in contents.records}) == summary.subjects[dataset]
    on_disk = {path.resolve() for path in summary.directory.rglob("*.wav")}
    assert {record.audio_path.resolve() for record in records.values()} == on_disk
    assert sum(path.stat().st_size for path in on_disk) == summary.bytes


def test_the_truth_agrees_with_what_the_adapters_read(
    truth: pd.DataFrame, records: dict[str, Record]
) -> None:
    labels = {"smoker": "smoker", "covid19": "covid19", "copd": "copd", "asthma": "asthma"}
    for question in QUESTIONS:
        rows = truth[truth["task_id"] == question.task_id].set_index("record_id")
        asked = {
            record_id: record
            for record_id, record in records.items()
            if record.dataset == question.dataset
            and record.sound_type == question.sound
            and labels[question.cause] in record.labels
        }
        assert set(rows.index) == set(asked)
        assert set(rows["label"]) == {0, 1}
        for record_id, record in asked.items():
            assert rows["label"][record_id] == record.labels[question.cause]
            assert rows["subject_id"][record_id] == record.subject_id
            if record.splits:
                name = {"smoker": "task1", "covid19": "task2"}.get(question.cause, "")
                split = record.splits[SPLIT_NAMES.get(question.dataset, name)]
                assert rows["split"][record_id] == split


def test_no_person_is_in_two_parts(records: dict[str, Record]) -> None:
    parts: dict[str, set[str]] = {}
    for record in records.values():
        parts.setdefault(record.subject_id, set()).update(record.splits.values())
    assert max(len(found) for found in parts.values()) == 1


SPOKEN = {
    "change to sense of smell or taste": "loss of smell or taste",
    "breathing difficulties": "shortness of breath",
    "cold": "runny nose",
    "runny or blocked nose": "runny nose",
    "dry cough": "cough",
    "chronic lung disease": "copd",
    "chronic obstructive pulmonary disease": "copd",
}


def _read_back(dataset: str, dms: Dms) -> Answers:
    """What a DMS states, as the posterior takes it."""
    asked = QUESTIONNAIRES[dataset]
    if dms.age is None:
        low, high = 0, 90
    else:
        bounds = str(dms.age).replace("+", "-90").removesuffix(".0").split("-")
        low, high = int(bounds[0]), int(bounds[-1])

    def ticks(stated: tuple[str, ...] | None, names: tuple[str, ...]) -> np.ndarray:
        found = {SPOKEN.get(name, name) for name in stated or ()}
        assert found <= set(names)
        return np.array([[name in found for name in names]], dtype=bool)

    # In Coswara nothing ticked is all there is to see, and everybody was asked.
    always = dataset == "coswara"
    return Answers(
        np.array([low]),
        np.array([high]),
        np.array([dms.age is not None]),
        np.array([dms.gender is not None]),
        np.array([always or dms.symptoms is not None]),
        np.array([always or dms.medical_history is not None]),
        np.array([dms.gender == "Female"]),
        ticks(dms.symptoms, asked.symptoms),
        ticks(dms.medical_history, asked.history),
    )


def test_the_text_posterior_is_that_of_what_is_rendered(
    truth: pd.DataFrame, records: dict[str, Record]
) -> None:
    for question in QUESTIONS:
        for row in truth[truth["task_id"] == question.task_id].itertuples():
            answers = _read_back(question.dataset, records[str(row.record_id)].dms)
            expected = posterior(question, answers, None)[0]
            assert row.text_only == pytest.approx(expected, abs=1e-6), row.record_id


def _contents(dataset: str, people: int, data_root: Path) -> DatasetContents:
    """A dataset of many people without sounds: adapters open tables, not recordings."""
    rng = np.random.default_rng(2)
    layout = LAYOUTS[dataset](draw_sample(dataset, people, rng), rng)
    written = {
        f.path: WrittenFile(1000, 16_000, 478, ()) for r in layout.recordings() for f in r.files
    }
    for path, content in (dict.fromkeys(written, b"") | layout.tables(written)).items():
        (data_root / dataset / path).parent.mkdir(parents=True, exist_ok=True)
        (data_root / dataset / path).write_bytes(content)
    return load_contents(dataset, data_root)


def test_missing_answers_are_written_in_the_datasets_own_ways(tmp_path: Path) -> None:
    contents = {dataset: _contents(dataset, 250, tmp_path) for dataset in LAYOUTS}
    stated = {
        name: {
            field: {getattr(record.dms, field) for record in contents[name].records}
            for field in ("gender", "age", "symptoms", "medical_history")
        }
        for name in contents
    }
    for name in ("uk_covid19", "covid19_sounds"):
        assert {None, ()} <= stated[name]["symptoms"]
        assert {None, ()} <= stated[name]["medical_history"]
        assert stated[name]["gender"] == {None, "Female", "Male"}
    assert stated["uk_covid19"]["age"] == {None, "18-44", "45-64", "65+"}
    assert {None, "16-19", "20-29", "70-79"} <= stated["covid19_sounds"]["age"]
    assert None in stated["icbhi"]["age"]
    assert None in stated["coswara"]["symptoms"]
    assert () not in stated["coswara"]["symptoms"]
    assert stated["kauh"]["symptoms"] == stated["icbhi"]["symptoms"] == {None}
    devices = {record.device for record in contents["covid19_sounds"].records}
    assert devices == {"android", "ios", "web"}
    # Nobody's label is missing from everything, and some labels are missing.
    labels = [set(record.labels) for record in contents["covid19_sounds"].records]
    assert {"smoker"} in labels
    assert {"covid19"} in labels
    assert set() not in labels


def test_kauhs_filters_are_one_recording(
    summary: CohortSummary, truth: pd.DataFrame, records: dict[str, Record]
) -> None:
    rows = truth[truth["task_id"] == "T5"].groupby("subject_id")
    assert (rows["record_id"].count() == 3).all()
    assert (rows["best"].nunique() == 1).all()
    patient = rows["record_id"].apply(list).iloc[0]
    spectra = []
    for record_id in patient:
        samples, rate = soundfile.read(records[record_id].audio_path)
        assert rate == 4000
        spectra.append(np.abs(samples).reshape(-1, 400).mean(axis=1))
    assert np.corrcoef(spectra).min() > 0.8
    sheet = openpyxl.load_workbook(summary.directory / "kauh/Data annotation.xlsx").active
    assert sheet is not None
    assert sheet.max_row == summary.subjects["kauh"] + 1


def test_icbhis_annotations_span_the_recording(records: dict[str, Record]) -> None:
    for record in (r for r in records.values() if r.dataset == "icbhi"):
        seconds = soundfile.info(record.audio_path).duration
        assert record.events[-1].stop == pytest.approx(seconds, abs=0.01)
    events = [event for record in records.values() for event in record.events]
    assert {event.crackle for event in events} == {event.wheeze for event in events} == {0, 1}


def test_the_marker_tells_simulated_from_real(summary: CohortSummary, tmp_path: Path) -> None:
    recording = next(summary.directory.rglob("*.wav"))
    assert is_simulated(summary.directory)
    assert is_simulated(recording)
    copy = tmp_path / "recording.wav"
    shutil.copy(recording, copy)
    assert not is_simulated(copy)
    marker = json.loads((summary.directory / MARKER).read_text())
    assert marker["notice"] == "simulated; not patients"
    assert (marker["seed"], marker["subjects"]) == (3, SUBJECTS)
    assert marker["recordings"] < sum(summary.recordings.values())  # KAUH: three files each


def test_the_ceilings_are_saved_with_the_cohort(summary: CohortSummary) -> None:
    saved = json.loads((summary.directory / CEILINGS).read_text())
    assert saved == summary.ceilings
    assert set(saved) == {question.task_id for question in QUESTIONS}
    assert saved["S1"]["cohort"]["positive"] > 0


def _hashes(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_seed_gives_the_same_files_whatever_the_number_of_threads(
    summary: CohortSummary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    (tmp_path / "again").mkdir()
    simulate_cohort(tmp_path / "again", SUBJECTS, seed=3)
    assert _hashes(tmp_path / "again") == _hashes(summary.directory)
    simulate_cohort(tmp_path / "other", SUBJECTS, seed=4)
    assert (tmp_path / "other" / TRUTH).read_bytes() != (summary.directory / TRUTH).read_bytes()


def test_an_interruption_leaves_nothing_that_looks_like_a_cohort(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        assert total > done
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_cohort(tmp_path / "data", SUBJECTS, progress=stop)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("subjects", "seed", "message"),
    [(99, 0, "99 subjects are too few"), (500, -1, "seed -1 is negative")],
)
def test_impossible_sizes_are_refused(
    tmp_path: Path, subjects: int, seed: int, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        simulate_cohort(tmp_path / "data", subjects, seed)


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not an empty folder"):
        simulate_cohort(tmp_path)
    with pytest.raises(ConfigError, match="not an empty folder"):
        simulate_cohort(tmp_path / "thesis.txt")
    assert (tmp_path / "thesis.txt").read_text() == "mine"


def test_a_full_disk_is_noticed_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1_000_000))
    with pytest.raises(DataError, match="Not enough disk space: 1 MB are free"):
        simulate_cohort(tmp_path / "data")
    assert list(tmp_path.iterdir()) == []
