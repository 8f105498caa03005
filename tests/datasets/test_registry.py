"""The contract that every registered dataset keeps."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from respllm.datasets import DATASETS, DatasetContents, load_contents, load_records
from respllm.datasets.dataset import gather
from respllm.datasets.vocabulary import MEDICAL_HISTORY, RECORDING_LOCATIONS, SYMPTOMS
from respllm.errors import DataError
from respllm.types import SPLITS, Dms, Record

EACH = pytest.mark.parametrize("name", sorted(DATASETS))

SOUND_TYPES = {
    "icbhi": {"lung"},
    "kauh": {"lung"},
    "coswara": {"cough-shallow", "cough-heavy", "breathing-shallow", "breathing-deep"},
    "uk_covid19": {"exhalation", "cough", "three-cough"},
    "covid19_sounds": {"breath", "cough"},
}
TABLES = {
    "icbhi": ["ICBHI_Challenge_diagnosis.txt", "ICBHI_challenge_train_test.txt"],
    "kauh": [],
    "coswara": ["combined_data.csv"],
    "uk_covid19": ["participant_metadata.csv", "audio_metadata.csv", "train_test_splits.csv"],
    "covid19_sounds": ["data_0426_en_task1.csv", "data_0426_en_task2.csv"],
}
AUDIO_FOLDERS = {
    "icbhi": "ICBHI_final_database",
    "kauh": "Audio Files",
    "coswara": "Extracted_data",
}


def test_the_five_datasets_of_the_paper_are_registered() -> None:
    assert set(DATASETS) == set(SOUND_TYPES)
    assert {name for name, d in DATASETS.items() if d.agreement_only} == {"covid19_sounds"}
    for dataset in DATASETS.values():
        assert dataset.licence
        assert dataset.citation
        assert dataset.url.startswith("https://")


@EACH
def test_records_are_typed_and_use_the_one_vocabulary(name: str, data_root: Path) -> None:
    contents = load_contents(name, data_root)
    assert contents.records
    assert list(contents.records) == load_records(name, data_root)
    ids = [record.record_id for record in contents.records]
    assert ids == sorted(set(ids))
    assert not set(ids) & set(contents.missing)
    for record in contents.records:
        assert record.dataset == name
        assert record.record_id.startswith(f"{name}/")
        assert record.subject_id.startswith(f"{name}/")
        assert record.subject_known == DATASETS[name].subjects_known
        assert record.sound_type in SOUND_TYPES[name]
        assert record.audio_path.is_file()
        assert set(record.labels.values()) <= {0, 1}
        assert set(record.splits.values()) <= set(SPLITS)
        dms = record.dms
        assert dms.gender in {"Female", "Male", "Other", None}
        assert set(dms.medical_history or ()) <= set(MEDICAL_HISTORY)
        assert set(dms.symptoms or ()) <= set(SYMPTOMS)
        assert dms.recording_location in {None, *RECORDING_LOCATIONS}
        assert not any(
            "smok" in word for word in (dms.medical_history or ()) + (dms.symptoms or ())
        )


@EACH
def test_no_data_on_disk_says_what_belongs_where(name: str, tmp_path: Path) -> None:
    with pytest.raises(DataError) as error:
        load_contents(name, tmp_path)
    assert error.value.where == str(tmp_path / name)
    assert error.value.expected == DATASETS[name].layout
    assert DATASETS[name].url in str(error.value)
    assert ("agreement" in str(error.value)) == DATASETS[name].agreement_only


@pytest.mark.parametrize(
    ("name", "table"), [(name, table) for name, tables in TABLES.items() for table in tables]
)
def test_a_missing_table_is_named(name: str, table: str, data_root: Path) -> None:
    (data_root / name / table).unlink()
    with pytest.raises(DataError, match=table):
        load_contents(name, data_root)


@pytest.mark.parametrize(("name", "folder"), sorted(AUDIO_FOLDERS.items()))
def test_a_missing_audio_folder_is_named(name: str, folder: str, data_root: Path) -> None:
    shutil.rmtree(data_root / name / folder)
    with pytest.raises(DataError, match=folder):
        load_contents(name, data_root)


@EACH
def test_a_recording_is_missing_when_its_file_is(name: str, data_root: Path) -> None:
    before = load_contents(name, data_root)
    gone = before.records[0]
    gone.audio_path.unlink()
    after = load_contents(name, data_root)
    assert after.records == before.records[1:]
    assert set(after.missing) == {*before.missing, gone.record_id}


@EACH
def test_two_files_for_one_recording_are_refused(name: str, data_root: Path) -> None:
    path = load_records(name, data_root)[0].audio_path
    path.with_suffix(".ogg").write_bytes(b"")
    with pytest.raises(DataError, match="Two files hold one recording"):
        load_contents(name, data_root)


def test_an_unknown_dataset_gets_a_near_miss(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"Did you mean 'icbhi'"):
        load_contents("icbh", tmp_path)


def test_records_with_one_id_are_refused() -> None:
    one, two = (Record("a/1", "a/s", "a", "lung", Path(name), Dms()) for name in ("x", "y"))
    with pytest.raises(DataError, match=r"Two recordings have the id 'a/1'.*x and y"):
        gather([one, two])
    assert gather([one]) == DatasetContents(records=(one,), missing=())


def test_what_only_audits_may_see_is_read_where_it_is_stated(small_cohort: Path) -> None:
    stated = {
        name: {
            field
            for record in load_records(name, small_cohort)
            for field in ("device", "site", "language", "recruitment")
            if getattr(record, field) is not None
        }
        for name in DATASETS
    }
    assert stated == {
        "icbhi": {"device"},
        "kauh": {"device"},
        "coswara": {"site"},
        "uk_covid19": {"recruitment"},
        "covid19_sounds": {"device", "language"},
    }
