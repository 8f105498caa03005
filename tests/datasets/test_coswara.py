"""Coswara: ticked boxes, four of nine sounds, empty and silent files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from respllm.datasets import load_contents
from respllm.errors import DataError
from respllm.types import Dms
from tests.datasets.layouts import COSWARA_COLUMNS, write_audio, write_csv


def test_a_record_says_what_was_ticked(data_root: Path) -> None:
    contents = load_contents("coswara", data_root)
    records = {record.record_id: record for record in contents.records}
    assert sorted(records) == [
        f"coswara/{person}/{sound}"
        for person in ("aaa", "bbb", "ccc")
        for sound in ("breathing-deep", "cough-heavy")
    ]
    plain = records["coswara/aaa/cough-heavy"]
    assert (plain.subject_id, plain.sound_type) == ("coswara/aaa", "cough-heavy")
    assert plain.labels == {"covid19": 0}
    assert plain.splits == {}
    # Nothing ticked is not "stated none", and smoking is no history.
    assert plain.dms == Dms("Male", 28, None, None)
    assert records["coswara/bbb/cough-heavy"].labels == {"covid19": 1}
    assert records["coswara/bbb/cough-heavy"].dms.medical_history == ("hypertension",)
    odd = records["coswara/ccc/breathing-deep"]
    assert odd.labels == {}
    assert odd.dms == Dms("Other", None, ("asthma",), ("cough", "sore throat"))


def test_what_is_not_there_is_counted(data_root: Path) -> None:
    contents = load_contents("coswara", data_root)
    assert len(contents.missing) == 4 * 4 - 6
    assert "coswara/ddd/cough-shallow" in contents.missing
    assert contents.notes == (
        "1 people have a folder and no row in combined_data.csv",
        "1 people typed an impossible age: read as not stated",
    )


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        ({"covid_status": "positiv_mild"}, "Did you mean 'positive_mild'"),
        ({"fever": "maybe"}, r"combined_data\.csv, line 2, column 'fever'"),
        ({"a": "young"}, r"line 2, column 'a'"),
        ({"g": "x"}, r"line 2, column 'g'"),
    ],
)
def test_an_unknown_code_is_named(data_root: Path, cells: dict[str, str], message: str) -> None:
    row = dict.fromkeys(COSWARA_COLUMNS, "") | {"id": "aaa", "covid_status": "healthy"} | cells
    write_csv(data_root / "coswara" / "combined_data.csv", [row])
    with pytest.raises(DataError, match=message):
        load_contents("coswara", data_root)


def test_a_missing_column_is_named(data_root: Path) -> None:
    write_csv(data_root / "coswara" / "combined_data.csv", [{"id": "aaa", "a": "3"}])
    with pytest.raises(DataError, match="lacks the columns 'g', 'covid_status'"):
        load_contents("coswara", data_root)


def test_one_person_in_two_folders_with_one_sound_is_refused(data_root: Path) -> None:
    write_audio(data_root / "coswara" / "Extracted_data" / "20210101" / "aaa" / "cough-heavy.wav")
    with pytest.raises(DataError, match="Two files hold one recording"):
        load_contents("coswara", data_root)


def test_real_recordings(shared_data: Path) -> None:
    contents = load_contents("coswara", shared_data)
    assert len(contents.records) == 314
    assert len(contents.missing) == 4 * 2746 - 314
    assert contents.notes == ()
    assert len({record.subject_id for record in contents.records}) == 81
    assert Counter(r.labels.get("covid19") for r in contents.records) == {0: 264, 1: 10, None: 40}
    paths = {record.audio_path.relative_to(shared_data / "coswara") for record in contents.records}
    silent = (shared_data / "coswara" / "SILENT.txt").read_text().splitlines()
    assert {Path(line.split("\t")[0]) for line in silent} <= paths
    assert sum(path.suffix == ".wav" for path in paths) == 8
