"""Pairs are alike in everything that was stated, and there are as many as there can be."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respllm.audits.matching import CALIPER_YEARS, _pairs, _people, _symptom_set, matched
from respllm.types import Dms
from tests.audits.making import Someone, asked_about


def by_sound(prompt: str, text: str, sound: float) -> float:
    return sound


ages = st.one_of(st.none(), st.integers(20, 40).map(float), st.sampled_from(["18-44", "45-64"]))
people = st.lists(
    st.tuples(st.integers(0, 1), ages, st.sampled_from(["Female", "Male", None]), st.booleans()),
    min_size=2,
    max_size=16,
)


def alike(a: Dms, b: Dms) -> bool:
    near = a.age == b.age
    if isinstance(a.age, float) and isinstance(b.age, float):
        near = abs(a.age - b.age) <= CALIPER_YEARS
    return near and a.gender == b.gender and a.symptoms == b.symptoms


@settings(max_examples=60, deadline=None)
@given(people)
def test_pairs_are_alike_and_as_many_as_possible(rows: list) -> None:
    stated = [
        Someone(f"p{i}", label, 0.0, Dms(gender, age, None, ("cough",) if ill else ()))
        for i, (label, age, gender, ill) in enumerate(rows)
    ]
    one, _, _ = asked_about(stated, by_sound)
    found, torn = _people(one)
    assert torn == 0
    pairs = _pairs(found, True, _symptom_set)
    dms = {f"kauh/{s.name}": s.dms for s in stated}
    label = {f"kauh/{s.name}": s.label for s in stated}
    assert len({name for pair in pairs for name in pair}) == 2 * len(pairs)
    assert all(label[p] == 1 and label[n] == 0 and alike(dms[p], dms[n]) for p, n in pairs)
    graph = networkx.Graph(
        (p, n) for p in dms for n in dms if label[p] > label[n] and alike(dms[p], dms[n])
    )
    assert len(pairs) == len(networkx.max_weight_matching(graph, maxcardinality=True))


def confounded(seed: int = 0) -> list[Someone]:
    """The sound tells the age band, and nothing else; the positives are older."""
    rng = np.random.default_rng(seed)
    found = []
    for i in range(160):
        label = i % 2
        old = rng.random() < (0.85 if label else 0.15)
        age = float(rng.integers(60, 66) if old else rng.integers(30, 36))
        found.append(Someone(f"p{i}", label, float(old + 0.3 * rng.normal()), Dms("Male", age)))
    return found


def test_matching_takes_the_confounder_away() -> None:
    one, _, _ = asked_about(confounded(), by_sound)
    (row,), (finding,) = matched(one, seed=0)
    assert row.matched_on == ("age", "sex")
    assert row.unmatched.value is not None
    assert row.unmatched.value > 0.75
    assert row.matched.value == pytest.approx(0.5, abs=0.12)
    assert row.matched.n_positive == row.matched.n_negative == row.pairs
    assert row.pairs >= 15
    assert finding.verdict == "problem"
    assert "nothing shows that it beats chance" in finding.text
    assert matched(one, seed=0) == ([row], [finding])


def test_what_is_real_survives_matching() -> None:
    rng = np.random.default_rng(1)
    stated = [
        Someone(f"p{i}", i % 2, float(rng.normal(1.5 * (i % 2))), Dms(age=float(30 + i % 10)))
        for i in range(100)
    ]
    one, _, _ = asked_about(stated, by_sound)
    (row,), (finding,) = matched(one, seed=0)
    assert row.pairs == 50
    assert row.matched == row.unmatched
    assert finding.verdict == "fine"


def test_groups_that_share_no_age_cannot_be_told_apart_by_sound() -> None:
    stated = [
        Someone(f"p{i}", i % 2, float(i % 2), Dms(age=70.0 if i % 2 else 8.0)) for i in range(60)
    ]
    one, _, _ = asked_about(stated, by_sound)
    (row,), (finding,) = matched(one, seed=0)
    assert row.pairs == 0
    assert row.matched.value is None
    assert "only 0 pairs" in row.matched.note
    assert finding.verdict == "problem"
    assert "may give the answer away" in finding.text


def test_too_few_people_or_nothing_stated_is_said() -> None:
    stated = [Someone(f"p{i}", i % 2, float(i), Dms(age=40.0)) for i in range(6)]
    (row,), (finding,) = matched(asked_about(stated, by_sound)[0], seed=0)
    assert row.pairs == 3
    assert (row.matched.value, row.matched.low) == (None, None)
    assert finding.verdict == "not checked"
    rows, (finding,) = matched(
        asked_about([Someone(f"p{i}", i % 2) for i in range(6)], by_sound)[0], 0
    )
    assert rows == []
    assert finding.verdict == "not checked"


def test_symptoms_are_counted_where_the_exact_ones_are_too_rare() -> None:
    stated = [
        Someone(f"p{i}", i % 2, float(i % 2), Dms(symptoms=(f"symptom {i}",))) for i in range(40)
    ]
    (row,), _ = matched(asked_about(stated, by_sound)[0], seed=0)
    assert row.matched_on == ("number of symptoms",)
    assert row.pairs == 20


def test_people_with_both_answers_are_left_out() -> None:
    stated = [Someone(f"p{i // 2}", i % 2, float(i), Dms(age=40.0)) for i in range(12)]
    stated += [Someone(f"q{i}", i % 2, float(i), Dms(age=40.0)) for i in range(20)]
    (row,), _ = matched(asked_about(stated, by_sound)[0], seed=0)
    assert row.pairs == 10
    assert "6 people with both answers left out" in row.matched.note
