"""An error is one line that says what, where, what was expected and what to do."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from respllm import errors
from respllm.errors import RespllmError, unknown_name

NAMES = ["S1", "S7", "T5", "icbhi", "covid19_sounds"]


def test_the_message_holds_every_part_in_order() -> None:
    error = RespllmError("It broke.", where="here", expected="a whole one", next_step="mend it.")
    assert str(error) == "It broke. Where: here. Expected: a whole one. Next: mend it."
    assert (error.what, error.where) == ("It broke.", "here")


def test_parts_that_are_not_given_are_not_mentioned() -> None:
    assert str(RespllmError("It broke")) == "It broke."


@pytest.mark.parametrize(
    "name", ["AudioError", "DataError", "ConfigError", "CheckpointError", "SafetyError"]
)
def test_all_are_caught_as_one_and_as_value_errors(name: str) -> None:
    kind = getattr(errors, name)
    assert issubclass(kind, RespllmError)
    assert issubclass(kind, ValueError)


@pytest.mark.parametrize(
    ("given_name", "near"), [("s7", "S7"), ("icbih", "icbhi"), ("covid19-sounds", "covid19_sounds")]
)
def test_a_near_miss_is_suggested(given_name: str, near: str) -> None:
    assert f"Did you mean '{near}'" in unknown_name("task", given_name, NAMES)


def test_nothing_is_suggested_when_nothing_is_near() -> None:
    text = unknown_name("dataset", "zzzzzzzz", NAMES)
    assert "Did you mean" not in text
    assert text.endswith("Available: S1, S7, T5, icbhi, covid19_sounds")


@given(st.text(max_size=30), st.lists(st.text(min_size=1, max_size=12), max_size=8))
def test_any_name_can_be_unknown(value: str, available: list[str]) -> None:
    text = unknown_name("key", value, available)
    assert repr(value) in text
    assert all(name in text for name in available)
