"""What an input adds is seen when somebody else's is given, and only then."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respllm.audits.asking import Asked, swapped_positions
from respllm.audits.modalities import DRAWS, modalities
from respllm.audits.results import InputEffect
from respllm.types import Dms
from tests.audits.making import Someone, asked_about, crowd


def age_in(text: str) -> float:
    return float(text.split("Age: ")[1].split(".")[0]) if "Age: " in text else 50.0


def by_sound(prompt: str, text: str, sound: float) -> float:
    return sound


def by_age(prompt: str, text: str, sound: float) -> float:
    return age_in(text) / 10


def row_of(rows: list[InputEffect], name: str, change: str) -> InputEffect:
    return next(row for row in rows if (row.input, row.change) == (name, change))


def test_a_model_that_only_listens_loses_with_the_sound_alone() -> None:
    one, listener, _ = asked_about(crowd(80), by_sound)
    rows, findings = modalities(one, listener, seed=0)
    audio = row_of(rows, "audio", "swapped")
    assert audio.changed == pytest.approx(0.5, abs=0.08)
    assert audio.loss.low is not None
    assert audio.loss.low > 0.1
    assert row_of(rows, "audio", "removed").changed == 0.5
    for name in ("text", "age", "gender"):
        for change in ("swapped", "removed"):
            assert row_of(rows, name, change).loss.value == 0
    assert [(f.verdict, f.text.split(":")[1].strip()) for f in findings] == [
        ("fine", "the sound counts"),
        ("note", "nothing shows that the text counts"),
    ]


def test_a_model_that_only_reads_age_loses_with_text_and_age_alone() -> None:
    one, listener, _ = asked_about(crowd(80), by_age)
    rows, findings = modalities(one, listener, seed=0)
    for name in ("text", "age"):
        assert row_of(rows, name, "swapped").changed == pytest.approx(0.5, abs=0.08)
        assert row_of(rows, name, "removed").changed == 0.5
    for name in ("audio", "gender"):
        assert row_of(rows, name, "swapped").loss.value == 0
    assert findings[0].verdict == "problem"
    assert "nothing shows that the sound counts" in findings[0].text


def test_only_stated_fields_are_swapped() -> None:
    people = [replace(one, dms=Dms(age=one.dms.age)) for one in crowd(20)]
    one, listener, _ = asked_about(people, by_age)
    rows, _ = modalities(one, listener, seed=0)
    assert list(dict.fromkeys(row.input for row in rows)) == ["audio", "text", "age"]
    # The published code does not show KAUH's age.
    one, listener, _ = asked_about(people, by_age, protocol="paper")
    rows, _ = modalities(one, listener, seed=0)
    assert "age" not in {row.input for row in rows}


def test_nobody_states_anything() -> None:
    people = [replace(one, dms=Dms()) for one in crowd(20)]
    one, listener, _ = asked_about(people, by_sound)
    rows, findings = modalities(one, listener, seed=0)
    assert {row.input for row in rows} == {"audio"}
    assert any("nobody states anything" in finding.text for finding in findings)


def test_a_swap_shows_a_field_of_somebody_else_and_leaves_the_rest() -> None:
    people = [
        Someone(f"p{i}", i % 2, float(i), Dms(gender="Male", age=20.0 + i)) for i in range(12)
    ]
    one, listener, model = asked_about(people, by_sound)
    model.asked.clear()
    modalities(one, listener, seed=0)
    assert all(
        text == "" or "Gender: Male" in text or "Age: " in text for _, text, _ in model.asked
    )
    mixed = [(text, sound) for _, text, sound in model.asked if "Gender" in text and "Age" in text]
    assert mixed
    # Either the sound or the text is another person's, and sounds removed are zero.
    assert all(age_in(text) != 20 + sound or sound == 0 for text, sound in mixed)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=2, max_size=30).filter(lambda who: len(set(who)) > 1),
    st.integers(0, 2**32),
)
def test_nobody_keeps_their_own(who: list[int], seed: int) -> None:
    one, _, _ = asked_about([Someone(f"p{i}", 0) for i in who], by_sound)
    chosen = swapped_positions(one, np.random.default_rng(seed))
    assert len(chosen) == len(who)
    donors: dict[int, set[int]] = {}
    for place, by in enumerate(chosen):
        donors.setdefault(who[place], set()).add(who[by])
    # One donor for each person, another one than themselves, and each gives once.
    assert all(len(found) == 1 and person not in found for person, found in donors.items())
    assert Counter(d for found in donors.values() for d in found).most_common(1)[0][1] == 1


def test_the_same_seed_gives_the_same_rows() -> None:
    people = crowd(30)
    first, again, other = (
        modalities(*asked_about(people, by_sound)[:2], seed=seed)[0] for seed in (0, 0, 1)
    )
    assert first == again
    assert first != other


def test_one_person_or_one_class_gives_no_number() -> None:
    one, listener, _ = asked_about([Someone("p", 1), Someone("p", 1)], by_sound)
    rows, findings = modalities(one, listener, seed=0)
    assert rows == []
    assert findings[0].verdict == "not checked"
    one, listener, _ = asked_about([Someone("p", 1, 1.0), Someone("q", 1, 2.0)], by_sound)
    rows, findings = modalities(one, listener, seed=0)
    assert all(row.loss.value is None and row.loss.note for row in rows)
    assert all(row.changed is None for row in rows)
    assert {finding.verdict for finding in findings} == {"not checked"}


def test_nothing_is_computed_twice() -> None:
    one, listener, model = asked_about(crowd(20), by_sound)
    listener.logits([listener.own(i) for i in range(20)] * 2)
    assert len(model.asked) == 20
    modalities(one, listener, seed=0)
    assert len(model.asked) == len(set(model.asked))
    # As it is; audio, text, age and gender swapped five times and removed.
    assert len(model.asked) < 20 * (1 + 4 * (DRAWS + 1))
    with pytest.raises(IndexError):
        listener.logits([Asked(99, "", "")])
