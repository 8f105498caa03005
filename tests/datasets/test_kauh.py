"""KAUH: everything stands in the file name, in many spellings."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respllm.datasets import load_contents, published_index
from respllm.datasets.kauh import location
from respllm.datasets.vocabulary import RECORDING_LOCATIONS
from respllm.errors import DataError
from respllm.types import Dms
from tests.datasets.layouts import write_audio

SIDES = {"L": "left", "R": "right"}
LEVELS = {"U": "upper", "M": "middle", "L": "lower"}


def test_odd_names_are_read(data_root: Path) -> None:
    contents = load_contents("kauh", data_root)
    records = {record.record_id: record for record in contents.records}
    assert records["kauh/BP1"].dms == Dms("Male", 70, None, None, "posterior left lower")
    assert records["kauh/BP1"].labels == {"asthma": 1, "diseased": 1}
    assert records["kauh/DP2"].dms.recording_location == "posterior left lower right"
    assert records["kauh/DP2"].labels == records["kauh/BP2"].labels
    assert records["kauh/BP5"].labels == {"copd": 1, "diseased": 1}
    assert records["kauh/BP5"].dms.recording_location == "posterior lower right"
    assert records["kauh/BP6"].labels == {"diseased": 1}
    assert records["kauh/BP20"].labels == {"asthma": 1, "diseased": 1}
    assert records["kauh/BP26"].dms == Dms("Female", 90, None, None, "posterior")
    assert records["kauh/BP100"].labels == {"asthma": 0, "copd": 0, "diseased": 0}
    assert {records[f"kauh/{f}P1"].subject_id for f in "BDE"} == {"kauh/1"}


def test_filters_of_a_patient_who_is_there_are_missed(data_root: Path) -> None:
    missing = load_contents("kauh", data_root).missing
    assert "kauh/EP2" in missing
    assert "kauh/DP5" in missing
    assert not {"kauh/BP1", "kauh/DP1", "kauh/EP1", "kauh/BP3"} & set(missing)


def test_published_splits_are_found_whatever_the_spelling(data_root: Path) -> None:
    records = {r.record_id: r for r in load_contents("kauh", data_root).records}
    assert records["kauh/BP47"].splits == {"opera": "train", "opera_train_test": "train"}
    assert records["kauh/BP26"].splits == {}


@pytest.mark.parametrize("gap", [" ", "", "  "])
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("level", LEVELS)
def test_a_position_a_side_and_a_level(side: str, level: str, gap: str) -> None:
    code = gap.join(("P", side, level))
    assert location(code, "here") == f"posterior {SIDES[side]} {LEVELS[level]}"
    assert location(code.lower(), "here") in RECORDING_LOCATIONS


@pytest.mark.parametrize(
    ("code", "name"),
    [
        ("P", "posterior"),
        ("P L R ", "posterior lower right"),
        ("P L L R", "posterior left lower right"),
        ("A U R", "anterior upper right"),
    ],
)
def test_irregular_locations_in_the_order_written(code: str, name: str) -> None:
    assert location(code, "here") == name
    assert name in RECORDING_LOCATIONS


@pytest.mark.parametrize("code", ["", "L L", "P X", "P R R", "P L L L", "PLLU"])
def test_no_place_on_the_chest(code: str) -> None:
    with pytest.raises(DataError, match="here"):
        location(code, "here")


@given(st.text(alphabet="PALRUM plx", max_size=7))
def test_a_location_says_each_letter_once_or_is_refused(code: str) -> None:
    letters = [letter for letter in code.lower() if letter != " "]
    try:
        words = location(code, "here").split()
    except DataError:
        return
    assert len(words) == len(set(words)) == len(letters)
    for letter, word in zip(letters, words, strict=True):
        assert word.startswith(letter)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("BP1_Asthma,E W,P L L,70.wav", "Not the name of a KAUH recording"),
        ("recording.wav", "Not the name of a KAUH recording"),
        ("BP7_Astma,E W,P L L,70,M.wav", "Did you mean 'asthma'"),
        ("BP7_Asthma,X,P L L,70,M.wav", "Unknown sound type code"),
        ("BP7_Asthma,E W,P L L,seventy,M.wav", "an age in years"),
        ("BP7_Asthma,E W,P L L,70,Q.wav", "Unknown gender code"),
        ("BP1_N,N,P L L,70,M.wav", "Two recordings have the id 'kauh/BP1'"),
    ],
)
def test_a_faulty_name_is_refused(data_root: Path, name: str, message: str) -> None:
    write_audio(data_root / "kauh" / "Audio Files" / name)
    with pytest.raises(DataError, match=message):
        load_contents("kauh", data_root)


def test_real_recordings(shared_data: Path) -> None:
    contents = load_contents("kauh", shared_data)
    records = {record.record_id: record for record in contents.records}
    assert len(records) == 336
    assert contents.missing == ()
    assert len({record.subject_id for record in records.values()}) == 112
    assert Counter(r.labels.get("copd") for r in records.values()) == {1: 33, 0: 105, None: 198}
    assert Counter(r.labels.get("asthma") for r in records.values()) == {1: 99, 0: 105, None: 132}
    assert records["kauh/DP26"].dms.recording_location == "posterior"
    assert records["kauh/EP2"].dms.recording_location == "posterior left lower right"
    assert {r.dms.recording_location for r in records.values()} <= set(RECORDING_LOCATIONS)


def test_labels_of_the_published_index_agree_with_the_file_names(shared_data: Path) -> None:
    records = {r.audio_path.stem: r for r in load_contents("kauh", shared_data).records}
    for row in published_index("kauh"):
        record = records[row.name]
        assert record.splits == row.splits
        if row.label == "healthy":
            assert record.labels == {"asthma": 0, "copd": 0, "diseased": 0}
        else:
            assert record.labels == {row.label.lower(): 1, "diseased": 1}
