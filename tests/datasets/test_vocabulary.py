"""One name for one thing, in a form that the prompts can write."""

from __future__ import annotations

import pytest

from respllm.datasets import coswara, covid19_sounds, icbhi, uk_covid19
from respllm.datasets.vocabulary import MEDICAL_HISTORY, RECORDING_LOCATIONS, SYMPTOMS


@pytest.mark.parametrize("names", [MEDICAL_HISTORY, SYMPTOMS, RECORDING_LOCATIONS])
def test_names_are_unique_and_cannot_be_taken_for_two(names: tuple[str, ...]) -> None:
    assert len(set(names)) == len(names)
    assert not any(mark in name for name in names for mark in ".,;:+")


def test_the_golden_texts_of_figure_5_can_be_written() -> None:
    assert "asthma" in MEDICAL_HISTORY
    assert {"cough", "fatigue", "headache", "cold"} <= set(SYMPTOMS)
    assert {"right posterior chest", "posterior right upper"} <= set(RECORDING_LOCATIONS)


@pytest.mark.parametrize("adapter", [coswara, uk_covid19, covid19_sounds])
def test_every_code_of_an_adapter_has_a_name_of_the_vocabulary(adapter: object) -> None:
    history, symptoms = adapter.HISTORY, adapter.SYMPTOMS  # type: ignore[attr-defined]
    assert set(history.values()) <= set(MEDICAL_HISTORY)
    assert set(symptoms.values()) <= set(SYMPTOMS)


def test_no_name_is_left_without_a_dataset() -> None:
    adapters = (coswara, uk_covid19, covid19_sounds)
    assert set(MEDICAL_HISTORY) == {name for a in adapters for name in a.HISTORY.values()}
    assert set(SYMPTOMS) == {name for a in adapters for name in a.SYMPTOMS.values()}
    assert set(icbhi.LOCATIONS.values()) <= set(RECORDING_LOCATIONS)
