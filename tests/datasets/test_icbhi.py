"""ICBHI: tables without headers, codes in file names, breathing cycles."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from respllm.datasets import load_contents, published_index
from respllm.errors import DataError
from respllm.types import Dms, SoundEvent
from tests.datasets.layouts import write_audio, write_lines


def test_a_record_says_what_the_tables_say(data_root: Path) -> None:
    contents = load_contents("icbhi", data_root)
    records = {record.record_id: record for record in contents.records}
    assert contents.missing == ("icbhi/104_1b1_Lr_mc_AKGC417L",)
    assert contents.notes == ()
    baby = records["icbhi/102_1b1_Ar_sc_Meditron"]
    assert baby.subject_id == "icbhi/102"
    assert baby.audio_path.suffix == ".flac"
    assert baby.device == "Meditron"
    assert baby.dms == Dms("Female", 0.75, None, None, "right anterior chest")
    assert baby.labels == {"copd": 0, "diseased": 0}
    assert baby.splits == {"official": "test"}
    assert baby.events == (
        SoundEvent(0.036, 0.579, crackle=False, wheeze=False),
        SoundEvent(0.579, 2.45, crackle=True, wheeze=False),
    )
    assert records["icbhi/101_1b1_Al_sc_Meditron"].labels == {"diseased": 1}
    assert records["icbhi/104_1b1_Tc_mc_AKGC417L"].labels == {"copd": 1, "diseased": 1}
    unknown = records["icbhi/223_1b1_Pr_sc_Litt3200"].dms
    assert unknown == Dms(recording_location="right posterior chest")


def test_a_recording_outside_the_split_is_counted(data_root: Path) -> None:
    folder = data_root / "icbhi" / "ICBHI_final_database"
    write_audio(folder / "101_9b9_Pl_sc_Meditron.wav")
    write_lines(folder / "101_9b9_Pl_sc_Meditron.txt", "0\t1\t0\t1")
    contents = load_contents("icbhi", data_root)
    assert contents.notes == ("1 recordings are in no part of the official split",)


@pytest.mark.parametrize(
    ("file", "line", "message"),
    [
        ("ICBHI_Challenge_diagnosis.txt", "104\tCOPDD", "Did you mean 'copd'"),
        ("ICBHI_Challenge_diagnosis.txt", "104 COPD", "2 tab-separated values"),
        ("ICBHI_Challenge_diagnosis.txt", "105\tCOPD", "is not in the table of diagnosis"),
        (
            "ICBHI_Challenge_demographic_information.txt",
            "104\told\tM\tNA\tNA\tNA",
            r"demographic_information\.txt, line 1, column 'age'",
        ),
        ("ICBHI_challenge_train_test.txt", "104_1b1_Tc_mc_AKGC417L\tdev", "Unknown split code"),
    ],
)
def test_a_faulty_table_is_named(data_root: Path, file: str, line: str, message: str) -> None:
    folder = data_root / "icbhi"
    for path in (folder / "ICBHI_final_database").iterdir():
        if not path.name.startswith("104"):
            path.unlink()
    write_lines(folder / file, line)
    with pytest.raises(DataError, match=message):
        load_contents("icbhi", data_root)


def test_a_patient_listed_twice_is_refused(data_root: Path) -> None:
    write_lines(data_root / "icbhi" / "ICBHI_Challenge_diagnosis.txt", "101\tURTI", "101\tCOPD")
    with pytest.raises(DataError, match="'101' is listed twice"):
        load_contents("icbhi", data_root)


@pytest.mark.parametrize("line", ["1.0\t0.5\t0\t0", "a\t1\t0\t0", "0\t1\t0", "0\t1\t2\t0"])
def test_a_faulty_annotation_is_named(data_root: Path, line: str) -> None:
    name = "101_1b1_Al_sc_Meditron.txt"
    write_lines(data_root / "icbhi" / "ICBHI_final_database" / name, line)
    with pytest.raises(DataError, match=name):
        load_contents("icbhi", data_root)


def test_a_missing_annotation_is_named(data_root: Path) -> None:
    (data_root / "icbhi" / "ICBHI_final_database" / "101_1b1_Al_sc_Meditron.txt").unlink()
    with pytest.raises(DataError, match=r"101_1b1_Al_sc_Meditron\.txt is missing"):
        load_contents("icbhi", data_root)


@pytest.mark.parametrize("name", ["notes.wav", "101_1b1_Xx_sc_Meditron.wav"])
def test_a_file_name_that_is_none_of_icbhis_is_refused(data_root: Path, name: str) -> None:
    write_audio(data_root / "icbhi" / "ICBHI_final_database" / name)
    with pytest.raises(DataError, match=name):
        load_contents("icbhi", data_root)


def test_real_recordings(shared_data: Path) -> None:
    contents = load_contents("icbhi", shared_data)
    records = {record.record_id: record for record in contents.records}
    assert len(records) == 220
    assert len(contents.missing) == 701
    assert len({record.subject_id for record in records.values()}) == 88
    assert Counter(r.splits["official"] for r in records.values()) == {"train": 113, "test": 107}
    assert Counter(r.labels.get("copd") for r in records.values()) == {1: 124, 0: 35, None: 61}
    assert {r.dms.age for r in records.values() if r.subject_id == "icbhi/102"} == {0.75}
    assert all(record.events for record in records.values())
    published = {f"icbhi/{row.name}": row for row in published_index("icbhi")}
    for record_id, record in records.items():
        assert record.splits == published[record_id].splits
        copd = {"COPD": 1, "Healthy": 0}.get(published[record_id].label)
        assert record.labels.get("copd") == copd
