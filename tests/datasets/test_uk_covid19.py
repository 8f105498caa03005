"""UK COVID-19: three tables, tick boxes with their own "none", a published subset."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from respllm.datasets import load_contents
from respllm.errors import DataError
from respllm.types import Dms
from tests.datasets.layouts import write_csv

EXHALATION = "uk_covid19/62-12-9245c80e-9903-4d42-a88cab2a8b34e1e1"
COUGH = "uk_covid19/62-13-45cf5aab-9cb9-46ad-b5c009d61e8f016a"


def edit(path: Path, line: int, **cells: str) -> None:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows[line] |= cells
    write_csv(path, rows)


def test_records_of_three_sounds(data_root: Path) -> None:
    records = {r.record_id: r for r in load_contents("uk_covid19", data_root).records}
    assert {r.record_id: r.sound_type for r in records.values()} == {
        EXHALATION: "exhalation",
        COUGH: "cough",
        "uk_covid19/p1-three": "three-cough",
        "uk_covid19/p2-exhalation": "exhalation",
        "uk_covid19/p2-cough": "cough",
        "uk_covid19/p3-three": "three-cough",
    }
    ill = records[EXHALATION]
    assert ill.subject_id == "uk_covid19/p1"
    assert ill.labels == {"covid19": 1}
    assert ill.dms == Dms("Female", "45-64", ("asthma",), ("cough", "fatigue", "headache"))
    assert ill.splits == {"official": "validation", "opera": "train"}
    assert records[COUGH].splits == {"official": "validation", "opera": "test"}
    assert records["uk_covid19/p2-cough"].labels == {"covid19": 0}
    assert records["uk_covid19/p2-cough"].splits == {"official": "test"}


def test_stated_none_is_not_prefer_not_to_say(data_root: Path) -> None:
    records = {r.record_id: r for r in load_contents("uk_covid19", data_root).records}
    assert records["uk_covid19/p2-cough"].dms == Dms(None, "65+", (), ())
    assert records["uk_covid19/p3-three"].dms == Dms("Male", "18-44", None, None)


def test_unknown_result_and_later_part(data_root: Path) -> None:
    contents = load_contents("uk_covid19", data_root)
    late = next(r for r in contents.records if r.record_id == "uk_covid19/p3-three")
    assert late.labels == {}
    assert late.splits == {}
    assert contents.notes == (
        "1 sounds were not recorded: audio_metadata.csv names no file",
        "1 recordings are in no part of the official split",
    )


def test_no_file_and_a_file_without_samples_are_missing(data_root: Path) -> None:
    missing = load_contents("uk_covid19", data_root).missing
    assert missing == ("uk_covid19/p3-cough", "uk_covid19/p3-exhalation")


def test_audio_beside_the_tables_is_found(data_root: Path) -> None:
    root = data_root / "uk_covid19"
    for path in sorted((root / "audio").iterdir()):
        path.rename(root / path.name)
    assert len(load_contents("uk_covid19", data_root).records) == 6


@pytest.mark.parametrize(
    ("table", "cells", "message"),
    [
        ("participant_metadata.csv", {"covid_test_result": "Positiv"}, "Did you mean 'positive'"),
        ("participant_metadata.csv", {"symptom_fatigue": "2"}, r"line 2, column 'symptom_fatigue'"),
        ("participant_metadata.csv", {"age": "young"}, r"line 2, column 'age'"),
        ("train_test_splits.csv", {"splits": "tset"}, "Did you mean 'test'"),
        ("audio_metadata.csv", {"cough_size": "big"}, r"line 2, column 'cough_size'"),
        ("audio_metadata.csv", {"participant_identifier": "p9"}, "'p9' is not in participant_meta"),
    ],
)
def test_a_faulty_cell_is_named(
    data_root: Path, table: str, cells: dict[str, str], message: str
) -> None:
    edit(data_root / "uk_covid19" / table, 0, **cells)
    with pytest.raises(DataError, match=message):
        load_contents("uk_covid19", data_root)


def test_one_file_for_two_people_is_refused(data_root: Path) -> None:
    edit(data_root / "uk_covid19" / "audio_metadata.csv", 2, cough_file_name="p2-cough.wav")
    edit(data_root / "uk_covid19" / "audio_metadata.csv", 2, cough_size="9000")
    with pytest.raises(DataError, match="Two recordings have the id 'uk_covid19/p2-cough'"):
        load_contents("uk_covid19", data_root)
