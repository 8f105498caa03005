from __future__ import annotations

import numpy as np
import pytest

from respllm.simulation.answers import HISTORY, QUESTIONNAIRES, SYMPTOMS, chances, draw_answers
from respllm.simulation.population import CAUSES, COMBINATIONS, draw_people

N = 20_000


@pytest.mark.parametrize("dataset", QUESTIONNAIRES)
def test_what_is_stated_is_true(dataset: str) -> None:
    rng = np.random.default_rng(3)
    people = draw_people(dataset, N, rng)
    answers = draw_answers(dataset, people, rng)
    assert (answers.age_low <= people.age).all()
    assert (people.age <= answers.age_high).all()
    stated = answers.age_stated
    widest = 45 if QUESTIONNAIRES[dataset].age_bands else 1
    assert (answers.age_high - answers.age_low)[stated].max() < widest
    assert (answers.female == people.has("female")).all()


def test_whether_something_is_stated_says_nothing() -> None:
    rng = np.random.default_rng(4)
    people = draw_people("covid19_sounds", N, rng)
    answers = draw_answers("covid19_sounds", people, rng)
    for name in ("age_stated", "sex_stated", "symptoms_stated", "history_stated"):
        stated = getattr(answers, name)
        assert 0.9 < stated.mean() < 1
        for cause in ("covid19", "smoker", "female"):
            ill = people.has(cause)
            assert stated[ill].mean() == pytest.approx(stated[~ill].mean(), abs=0.015)


def test_symptoms_follow_their_chances() -> None:
    rng = np.random.default_rng(5)
    asked = QUESTIONNAIRES["uk_covid19"].symptoms
    people = draw_people("uk_covid19", N, rng)
    answers = draw_answers("uk_covid19", people, rng)
    for cause in ("covid19", "smoker"):
        chosen = people.has(cause)
        expected = chances(SYMPTOMS, asked)[people.combination[chosen]].mean(axis=0)
        np.testing.assert_allclose(answers.symptoms[chosen].mean(axis=0), expected, atol=0.02)


def test_each_cause_adds_its_own_chance() -> None:
    fever = chances(SYMPTOMS, ("fever",))[:, 0]
    healthy = int(np.flatnonzero(~COMBINATIONS.any(axis=1))[0])
    ill = int(np.flatnonzero(COMBINATIONS @ (1 << np.arange(6)) == 1 << CAUSES.index("covid19"))[0])
    base, added = SYMPTOMS["fever"]["base"], SYMPTOMS["fever"]["covid19"]
    assert fever[healthy] == pytest.approx(base)
    assert fever[ill] == pytest.approx(1 - (1 - base) * (1 - added))


def test_nobody_states_a_disease_they_do_not_have() -> None:
    asthma = chances(HISTORY, ("asthma",))[:, 0]
    assert (asthma[~COMBINATIONS[:, CAUSES.index("asthma")]] == 0).all()
