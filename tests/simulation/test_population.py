from __future__ import annotations

import numpy as np
import pytest

from respllm.errors import ConfigError
from respllm.simulation.population import CAUSES, COMBINATIONS, RATES, draw_people, table


@pytest.mark.parametrize("dataset", RATES)
def test_the_table_is_a_distribution_within_the_stated_ages(dataset: str) -> None:
    joint = table(dataset)
    youngest, oldest = RATES[dataset].ages
    assert joint.shape == (91, 64)
    assert joint.min() >= 0
    assert joint.sum() == pytest.approx(1)
    assert joint[:youngest].sum() == joint[oldest + 1 :].sum() == 0


@pytest.mark.parametrize("dataset", RATES)
def test_people_are_drawn_from_the_table(dataset: str) -> None:
    people = draw_people(dataset, 20_000, np.random.default_rng(1))
    by_cause = table(dataset).sum(axis=0) @ COMBINATIONS
    for cause, expected in zip(CAUSES, by_cause, strict=True):
        assert people.has(cause).mean() == pytest.approx(expected, abs=0.02)
    expected_age = table(dataset).sum(axis=1) @ np.arange(91)
    assert people.age.mean() == pytest.approx(expected_age, abs=0.5)


@pytest.mark.parametrize("dataset", ["icbhi", "kauh"])
def test_clinics_give_one_diagnosis(dataset: str) -> None:
    people = draw_people(dataset, 5_000, np.random.default_rng(2))
    diagnoses = np.sum([people.has(cause) for cause in ("copd", "asthma", "other")], axis=0)
    assert diagnoses.max() == 1
    assert not people.has("covid19").any()


def test_rates_are_those_stated_for_a_known_person() -> None:
    """A 50-year-old non-smoking man in the crowd has the base risk of COVID-19."""
    at_50 = table("uk_covid19")[50]
    men = ~COMBINATIONS[:, CAUSES.index("female")] & ~COMBINATIONS[:, CAUSES.index("smoker")]
    ill = men & COMBINATIONS[:, CAUSES.index("covid19")]
    odds = at_50[ill].sum() / (at_50[men].sum() - at_50[ill].sum())
    assert np.log(odds) == pytest.approx(RATES["uk_covid19"].covid19.base)


def test_an_unknown_dataset_is_named_with_its_near_miss() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'icbhi'"):
        draw_people("icbi", 10, np.random.default_rng(0))
