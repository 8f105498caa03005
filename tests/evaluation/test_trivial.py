from __future__ import annotations

from pathlib import Path

from respllm.evaluation import trivial_scores
from respllm.types import Dms, Record


def record(name: str, dms: Dms, subject: str | None = None) -> Record:
    return Record(f"d/{name}", f"d/{subject or name}", "d", "cough", Path(name), dms)


def test_directions_are_fixed_and_not_turned_to_fit() -> None:
    old_man = record("a", Dms(gender="Male", age=70, symptoms=("cough", "fever")))
    young_woman = record("b", Dms(gender="Female", age=20, symptoms=()))
    rates = {"d/a": 48000, "d/b": 8000}
    right = trivial_scores([old_man, young_woman], {"d/a": 1, "d/b": 0}, rates)
    wrong = trivial_scores([old_man, young_woman], {"d/a": 0, "d/b": 1}, rates)
    assert {name: score.value for name, score in right.items()} == dict.fromkeys(
        ("age", "sex", "symptom count", "sampling rate"), 1.0
    )
    assert all(score.value == 0.0 for score in wrong.values())


def test_without_sampling_rates_there_is_no_such_score() -> None:
    scores = trivial_scores([record("a", Dms())], {"d/a": 1})
    assert list(scores) == ["age", "sex", "symptom count"]


def test_bands_count_by_their_midpoint() -> None:
    ages: list[tuple[float | str, int]] = [("18-44", 0), (40, 1), ("45-64", 1), ("65+", 1), (30, 0)]
    records = [record(str(n), Dms(age=age)) for n, (age, _) in enumerate(ages)]
    labels = {f"d/{n}": label for n, (_, label) in enumerate(ages)}
    # 31 and 30 against 40, 54.5 and 65.
    assert trivial_scores(records, labels)["age"].value == 1.0


def test_missing_values_are_left_out_and_counted() -> None:
    records = [
        record("a", Dms(gender="Male")),
        record("b", Dms(gender="Female")),
        record("c", Dms(gender="Other")),
        record("d", Dms()),
    ]
    score = trivial_scores(records, {"d/a": 1, "d/b": 0, "d/c": 1, "d/d": 0})["sex"]
    assert (score.value, score.n_records) == (1.0, 2)
    assert score.note == "2 of 4 recordings left out: not stated"


def test_a_value_that_nobody_stated_has_no_score() -> None:
    records = [record("a", Dms()), record("b", Dms())]
    score = trivial_scores(records, {"d/a": 1, "d/b": 0})["age"]
    assert score.value is None
    assert score.note == "nothing was scored; 2 of 2 recordings left out: not stated"


def test_gathered_by_subject_and_only_where_labelled() -> None:
    records = [
        record("a1", Dms(age=60), "a"),
        record("a2", Dms(age=60), "a"),
        record("b", Dms(age=50)),
        record("c", Dms(age=99)),
    ]
    score = trivial_scores(records, {"d/a1": 1, "d/a2": 1, "d/b": 0})["age"]
    assert (score.unit, score.n_records, score.n_subjects) == ("subject", 3, 2)
    assert score.note == ""


def test_unit_is_that_of_all_recordings_though_some_lack_the_value() -> None:
    records = [
        record("a1", Dms(age=60), "a"),
        record("a2", Dms(), "a"),
        record("b", Dms(age=50)),
    ]
    # Subject a has both labels; that a2 states no age must not turn the unit into "subject".
    score = trivial_scores(records, {"d/a1": 1, "d/a2": 0, "d/b": 0})["age"]
    assert score.unit == "recording"
