"""What a training clip is said to sound of: the clip's own signs, the answer, and no person."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from respllm.tasks import get_task
from respllm.training.sound_text import sound_text
from respllm.types import Clip, Dms, Example, Record, SoundEvent

EVENTS = (
    SoundEvent(0.0, 3.0, crackle=True, wheeze=False),
    SoundEvent(3.0, 8.0, crackle=False, wheeze=False),
    SoundEvent(8.0, 11.0, crackle=False, wheeze=True),
)
PERSON = Dms("Female", 71, ("asthma",), ("fever",), "left anterior chest")


def an_example(start: float, stop: float | None, events: tuple[SoundEvent, ...]) -> Example:
    record = Record(
        "icbhi/a", "icbhi/1", "icbhi", "lung", Path("a.wav"), PERSON, device="Meditron",
        site="Porto", events=events,
    )  # fmt: skip
    return Example("S7", Clip(record, start, stop), "prompt", "Gender: Female. Age: 71.", 1)


@pytest.mark.parametrize(
    ("start", "stop", "said"),
    [
        (0.0, 8.18, "with crackles."),  # 0.18 s of the wheeze are too little
        (3.0, 8.0, "without crackles and wheezes."),
        (8.0, None, "with wheezes."),
        (0.0, None, "with crackles and wheezes."),
    ],
)
def test_the_signs_are_those_of_the_clip(start: float, stop: float | None, said: str) -> None:
    text = sound_text(an_example(start, stop, EVENTS), get_task("S7"))
    assert text == f"lung sounds, COPD, {said} Record location: left anterior chest."


def test_both_signs_in_one_cycle() -> None:
    events = (SoundEvent(1.0, 4.0, crackle=True, wheeze=True),)
    text = sound_text(an_example(0.0, None, events), get_task("S7"))
    assert "with crackles and wheezes" in text


def test_a_recording_without_annotation_is_not_said_to_be_clear() -> None:
    text = sound_text(an_example(0.0, None, ()), get_task("S7"))
    assert text == "lung sounds, COPD. Record location: left anterior chest."


def test_the_answer_is_said_in_the_task_s_words() -> None:
    example = replace(an_example(0.0, None, ()), label=0)
    assert sound_text(example, get_task("S7")).startswith("lung sounds, healthy.")


def test_nothing_a_person_stated_but_the_place_changes_the_text() -> None:
    example = an_example(0.0, None, EVENTS)
    record = example.clip.record
    other = replace(
        record,
        subject_id="icbhi/2",
        dms=Dms("Male", 5, (), ("cough",), PERSON.recording_location),
        device="Litt3200",
        site=None,
    )
    task = get_task("S7")
    assert sound_text(example, task) == sound_text(
        replace(example, clip=replace(example.clip, record=other), dms_text=""), task
    )
