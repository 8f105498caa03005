"""People are divided by a seeded hash, stratified by label."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from respllm.tasks.splits import by_subject

PEOPLE = st.dictionaries(st.text(max_size=8), st.integers(0, 1), max_size=60)
FRACTIONS = st.lists(st.floats(0.05, 0.3), min_size=1, max_size=3)


@given(PEOPLE, FRACTIONS, st.randoms())
def test_everybody_is_in_one_part_whatever_the_order(
    labels: dict[str, int], fractions: list[float], random: object
) -> None:
    parts = by_subject(labels, fractions)
    assert len(parts) == len(fractions) + 1
    assert sorted(person for part in parts for person in part) == sorted(labels)
    shuffled = list(labels.items())
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert by_subject(dict(shuffled), fractions) == parts


@given(st.integers(0, 40), st.integers(0, 40), FRACTIONS)
def test_each_part_has_its_share_of_each_class(
    negative: int, positive: int, fractions: list[float]
) -> None:
    labels = {f"n{i}": 0 for i in range(negative)} | {f"p{i}": 1 for i in range(positive)}
    parts = by_subject(labels, fractions)
    for value, total in ((0, negative), (1, positive)):
        for part, fraction in zip(parts, fractions, strict=False):
            size = sum(labels[person] == value for person in part)
            if total > 2 * len(fractions):
                assert abs(size - fraction * total) <= 1
                assert size >= 1
            assert size <= max(1, fraction * total + 0.5)


def test_the_seed_decides() -> None:
    labels = {str(i): i % 2 for i in range(100)}
    assert by_subject(labels, (0.2,), seed=1) != by_subject(labels, (0.2,), seed=2)
    assert by_subject(labels, (0.2,)) == by_subject(labels, (0.2,))


def test_most_people_stay_when_others_join() -> None:
    some = {f"icbhi/{i}": i % 2 for i in range(80)}
    before, _ = by_subject(some, (0.2,))
    after, _ = by_subject(some | {"icbhi/80": 0, "icbhi/81": 1}, (0.2,))
    assert len(before & after) >= len(before) - 2
