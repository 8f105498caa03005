"""The hard coding: golden rows, missing apart from none, bands over decades, the old faults."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from respllm.batching.hard_dms import HARD_DMS_COLUMNS, age_span, hard_dms
from respllm.datasets import table_cells
from respllm.datasets.vocabulary import MEDICAL_HISTORY, RECORDING_LOCATIONS, SYMPTOMS
from respllm.errors import DataError
from respllm.types import Dms

NOT_STATED = {f"{name} not stated" for name in ("age", "gender", "location", "history", "symptom")}


def coded(dms: Dms) -> dict[str, float]:
    """The columns that are not 0."""
    row = hard_dms([dms])[0]
    return {name: float(value) for name, value in zip(HARD_DMS_COLUMNS, row, strict=True) if value}


def age(stated: float | str | None) -> dict[str, float]:
    return {name: value for name, value in coded(Dms(age=stated)).items() if name.startswith("age")}


def test_the_width_is_as_documented() -> None:
    assert len(HARD_DMS_COLUMNS) == len(set(HARD_DMS_COLUMNS)) == 73
    assert hard_dms([]).shape == (0, 73)
    assert hard_dms([Dms(), Dms()]).dtype == np.float32


def test_a_person_who_states_everything() -> None:
    person = Dms("Female", "45-64", ("asthma",), ("dry cough", "fever"), "left posterior chest")
    assert coded(person) == {
        "age 40-49": 0.25,
        "age 50-59": 0.5,
        "age 60-69": 0.25,
        "gender: Female": 1,
        "location: left": 1,
        "location: posterior": 1,
        "history: asthma": 1,
        "symptom: dry cough": 1,
        "symptom: fever": 1,
    }


def test_missing_is_not_none() -> None:
    assert coded(Dms()) == dict.fromkeys(NOT_STATED, 1.0)
    none = coded(Dms(medical_history=(), symptoms=()))
    assert set(none) == NOT_STATED - {"history not stated", "symptom not stated"}


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        (9, {"age 0-9": 1}),  # the published coding makes it the nineties
        (0.5, {"age 0-9": 1}),
        (65.0, {"age 60-69": 1}),
        (104, {"age 90 and over": 1}),
        ("20-29", {"age 20-29": 1}),
        ("90-", {"age 90 and over": 1}),
        ("94+", {"age 90 and over": 1}),
        ("80+", {"age 80-89": 0.5, "age 90 and over": 0.5}),
        ("0-19", {"age 0-9": 0.5, "age 10-19": 0.5}),
        ("<20", {"age 0-9": 0.5, "age 10-19": 0.5}),
        ("<= 9", {"age 0-9": 1}),
        (">79", {"age 80-89": 0.5, "age 90 and over": 0.5}),
        (None, {"age not stated": 1}),
        (math.nan, {"age not stated": 1}),
    ],
)
def test_ages(stated: float | str | None, expected: dict[str, float]) -> None:
    assert age(stated) == pytest.approx(expected)


@pytest.mark.parametrize("stated", ["adult", "64-45", "", "<0", -1.0, 121.0, "+", "<20-30"])
def test_what_is_no_age_is_refused(stated: float | str) -> None:
    with pytest.raises(DataError, match="A stated age is none"):
        hard_dms([Dms(age=stated)])


@given(low=st.integers(0, 110), size=st.integers(0, 9))
def test_the_shares_of_a_band_add_up_and_keep_its_middle(low: int, size: int) -> None:
    span = age_span(f"{low}-{low + size}")
    assert span == (low, low + size + 1)
    assert sum(age(f"{low}-{low + size}").values()) == pytest.approx(1)


def test_every_name_of_the_vocabulary_has_its_own_column() -> None:
    for names, field in ((MEDICAL_HISTORY, "history"), (SYMPTOMS, "symptom")):
        for name in names:
            dms = Dms(symptoms=(name,)) if field == "symptom" else Dms(medical_history=(name,))
            assert set(coded(dms)) - NOT_STATED == {f"{field}: {name}"}
    columns = {frozenset(coded(Dms(recording_location=name))) for name in RECORDING_LOCATIONS}
    assert not any("location: other" in names for names in columns)
    # KAUH writes "anterior upper right" and "anterior right upper" for one place.
    assert len(columns) == len({frozenset(name.split()) for name in RECORDING_LOCATIONS})


def test_an_unknown_name_is_counted_and_not_lost() -> None:
    dms = Dms(
        medical_history=(" ASTHMA ", "gout"), symptoms=("hiccups",), recording_location="neck"
    )
    assert set(coded(dms)) - NOT_STATED == {
        "history: asthma",
        "history: other",
        "symptom: other",
        "location: other",
    }


@given(st.from_regex(r"[<>≤≥]?=?\s*\d{1,3}(\s*(-|–|to)\s*(\d{1,3})?|\s*\+)?", fullmatch=True))
def test_every_age_that_a_table_may_hold_can_be_coded(written: str) -> None:
    try:
        age = table_cells.age(written, "here")
    except DataError:
        return
    span = age_span(age)
    if age is not None:
        assert span is not None
        assert 0 <= span[0] <= span[1]
