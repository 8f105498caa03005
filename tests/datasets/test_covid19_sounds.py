"""COVID-19 Sounds: two benchmark tables, raw tables of three platforms, misspelt codes."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from respllm.datasets import load_contents
from respllm.errors import DataError
from respllm.types import Dms
from tests.datasets.layouts import WEB_FOLDER, write_csv

ANA = "covid19_sounds/ANA/f1/cough_ANA_1"
CYD = "covid19_sounds/CYD/f3/breath_CYD_3"
WEB = f"covid19_sounds/form-app-users/{WEB_FOLDER}/audio_file_cough"


def edit(path: Path, delimiter: str, line: int, **cells: str) -> None:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter=delimiter))
    rows[line] |= {name.replace("_", " "): cell for name, cell in cells.items()}
    write_csv(path, rows, delimiter)


def test_a_recording_of_both_tasks_is_one_record(data_root: Path) -> None:
    records = {r.record_id: r for r in load_contents("covid19_sounds", data_root).records}
    ana = records[ANA]
    assert ana.labels == {"smoker": 1, "covid19": 0}
    assert ana.splits == {"task1": "train", "task2": "train"}
    assert ana.subject_id == "covid19_sounds/ANA"
    assert ana.sound_type == "cough"
    assert ana.device == "android"
    assert ana.audio_path.parts[-4] == "0426_EN_used_task1"
    assert ana.dms == Dms(
        "Female",
        "50-59",
        ("chronic obstructive pulmonary disease", "hypertension"),
        ("dry cough", "shortness of breath", "chest tightness"),
    )


def test_a_recording_of_task_2_takes_its_person_from_the_raw_tables(data_root: Path) -> None:
    records = {r.record_id: r for r in load_contents("covid19_sounds", data_root).records}
    assert records[CYD].labels == {"covid19": 1}
    assert records[CYD].splits == {"task2": "validation"}
    assert records[CYD].dms == Dms(
        "Male",
        "16-19",
        ("other long-term condition", "other heart disease"),
        ("muscle pain", "runny or blocked nose"),
    )


def test_web_recordings_belong_to_their_folder(data_root: Path) -> None:
    records = {r.record_id: r for r in load_contents("covid19_sounds", data_root).records}
    assert records[WEB].subject_id == f"covid19_sounds/{WEB_FOLDER}"
    assert records[WEB].device == "web"
    assert records[WEB].splits == {"task1": "test"}
    assert records[WEB].dms == Dms("Other", "90-", None, None)


def test_stated_none_is_not_prefer_not_to_say(data_root: Path) -> None:
    records = {r.record_id: r for r in load_contents("covid19_sounds", data_root).records}
    assert records["covid19_sounds/BOB/f2/cough_BOB_2"].dms == Dms(None, None, (), ())


def test_what_is_not_there_is_counted(data_root: Path) -> None:
    contents = load_contents("covid19_sounds", data_root)
    assert contents.missing == (
        "covid19_sounds/DOT/f4/breath_DOT_4",
        f"covid19_sounds/form-app-users/{WEB_FOLDER}/audio_file_breathe",
    )
    assert contents.notes == (
        "1 sounds have no file name in data_0426_en_task1.csv and data_0426_en_task2.csv",
        "1 recordings are in no raw table: nothing is stated for them",
    )


def test_a_label_that_contradicts_the_smoking_column_is_noted(data_root: Path) -> None:
    edit(data_root / "covid19_sounds" / "data_0426_en_task1.csv", ";", 1, label="1")
    notes = load_contents("covid19_sounds", data_root).notes
    assert any(note.startswith("1 of the 1 rows of task 1") for note in notes)


def test_raw_tables_in_their_own_folder_are_found(data_root: Path) -> None:
    root = data_root / "covid19_sounds"
    before = load_contents("covid19_sounds", data_root)
    (root / "covid19_data_0426_metadata").mkdir()
    for path in sorted(root.glob("results_raw*")):
        path.rename(root / "covid19_data_0426_metadata" / path.name)
    assert load_contents("covid19_sounds", data_root) == before


def test_without_raw_tables_nothing_is_read(data_root: Path) -> None:
    for path in sorted((data_root / "covid19_sounds").glob("results_raw*")):
        path.unlink()
    with pytest.raises(DataError, match="results_raw_20210426_lan_yamnet_"):
        load_contents("covid19_sounds", data_root)


@pytest.mark.parametrize(
    ("table", "delimiter", "cells", "message"),
    [
        ("task1", ";", {"Symptoms": "drycogh,"}, "Did you mean 'drycough'"),
        ("task1", ";", {"Medhistory": "smoker"}, r"task1\.csv, line 2, column 'Medhistory'"),
        ("task1", ";", {"Age": "young"}, r"line 2, column 'Age'"),
        ("task1", ";", {"split": "3"}, r"line 2, column 'split'"),
        ("task1", ";", {"label": "yes"}, r"line 2, column 'label'"),
        ("task2", ",", {"fold": "tain"}, "Did you mean 'train'"),
    ],
)
def test_a_faulty_cell_is_named(
    data_root: Path, table: str, delimiter: str, cells: dict[str, str], message: str
) -> None:
    edit(data_root / "covid19_sounds" / f"data_0426_en_{table}.csv", delimiter, 0, **cells)
    with pytest.raises(DataError, match=message):
        load_contents("covid19_sounds", data_root)


def test_a_recording_listed_twice_in_one_table_is_refused(data_root: Path) -> None:
    edit(
        data_root / "covid19_sounds" / "data_0426_en_task1.csv",
        ";",
        1,
        **{"Uid": "ANA", "Folder_Name": "f1", "Cough_filename": "cough_ANA_1.wav"},
    )
    with pytest.raises(DataError, match=r"ANA/f1/cough_ANA_1 is listed twice.*line 3"):
        load_contents("covid19_sounds", data_root)


def test_a_path_that_leads_nowhere_is_named(data_root: Path) -> None:
    path = data_root / "covid19_sounds" / "data_0426_en_task2.csv"
    path.write_text(path.read_text().replace("ANA\\f1\\breath_ANA_1.wav", "breath_ANA_1.wav"))
    with pytest.raises(DataError, match=r"line 2, column 'breath_path'"):
        load_contents("covid19_sounds", data_root)
