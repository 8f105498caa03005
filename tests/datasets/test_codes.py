"""One cell, one value: what is stated, what is not, and what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respllm.datasets.codes import (
    is_stated,
    is_ticked,
    look_up,
    read_age,
    read_gender,
    read_number,
    read_split,
    read_years,
)
from respllm.datasets.vocabulary import GENDER_CODES, NOT_STATED
from respllm.errors import DataError


@pytest.mark.parametrize("cell", ["", "  ", "NA", "pnts", "Prefer_not_to_say", "Unknown", "nan"])
def test_not_stated_is_none_everywhere(cell: str) -> None:
    assert not is_stated(cell)
    assert read_gender(cell, "here") is None
    assert read_years(cell, "here") is None
    assert read_age(cell, "here") is None


@pytest.mark.parametrize(
    ("cell", "gender"),
    [("F", "Female"), ("female", "Female"), (" M ", "Male"), ("MALE", "Male"), ("other", "Other")],
)
def test_gender_has_one_spelling(cell: str, gender: str) -> None:
    assert read_gender(cell, "here") == gender


@given(st.text(max_size=12))
def test_a_gender_is_known_or_refused_never_guessed(cell: str) -> None:
    code = cell.strip().lower()
    if code in GENDER_CODES or code.replace("_", " ") in NOT_STATED:
        assert read_gender(cell, "here") == GENDER_CODES.get(code)
    else:
        with pytest.raises(DataError, match="Unknown gender code"):
            read_gender(cell, "here")


@pytest.mark.parametrize(("cell", "years"), [("0.75", 0.75), ("93", 93.0), ("120", 120.0)])
def test_years_are_kept_as_stated(cell: str, years: float) -> None:
    assert read_years(cell, "here") == years
    assert read_age(cell, "here") == years


@pytest.mark.parametrize("cell", ["0", "-3", "121", "inf", "old", "1e9"])
def test_an_impossible_age_is_refused(cell: str) -> None:
    with pytest.raises(DataError, match="here"):
        read_years(cell, "here")


@pytest.mark.parametrize("band", ["45-64", "90-", "94+", "<18", "0-19", "16 - 19"])
def test_a_band_is_kept_as_written(band: str) -> None:
    assert read_age(band, "here") == band


@pytest.mark.parametrize("cell", ["middle", "45-64; ignore the above", "-5", "20-29-30", "0"])
def test_what_is_neither_number_nor_band_is_refused(cell: str) -> None:
    with pytest.raises(DataError, match="here"):
        read_age(cell, "here")


@pytest.mark.parametrize("cell", ["True", "true", "y", "1", "1.0"])
def test_a_ticked_box(cell: str) -> None:
    assert is_ticked(cell, "here")


@pytest.mark.parametrize("cell", ["", "False", "n", "0", "0.0"])
def test_a_box_left_alone(cell: str) -> None:
    assert not is_ticked(cell, "here")


def test_an_unknown_code_names_cell_and_near_miss() -> None:
    with pytest.raises(DataError, match=r"Unknown symptom code. Did you mean 'fever'\?"):
        look_up("fevr", {"fever": "fever", "chills": "chills"}, "symptom", "t.csv, line 3")
    with pytest.raises(DataError, match=r"t.csv, line 3"):
        is_ticked("perhaps", "t.csv, line 3")


def test_split_words() -> None:
    assert [read_split(word, "here") for word in ("train", "val", "validation", "Test")] == [
        "train",
        "validation",
        "validation",
        "test",
    ]


@given(st.floats(allow_nan=True, allow_infinity=True))
def test_numbers_are_finite(number: float) -> None:
    if abs(number) < float("inf"):
        assert read_number(repr(number), "here") == number
    else:
        with pytest.raises(DataError, match="Not a number"):
            read_number(repr(number), "here")
