"""Who the simulated people are: age, sex, smoking and conditions, from stated rates per dataset.

Every person has an age and one of 64 combinations of six yes/no causes. The whole population of a
dataset is one table P(age, causes), small enough to be enumerated: drawing people and computing
exact posteriors read the same table. The rates are chosen so that each task has both classes and
its ages overlap; they are not epidemiology.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

import numpy as np

from respllm.errors import ConfigError, unknown_name

CAUSES = ("female", "smoker", "covid19", "copd", "asthma", "other")
"""What a person's answers and sounds depend on; "other" is any further diagnosis."""

DIAGNOSES = ("covid19", "copd", "asthma", "other")

COMBINATIONS = np.array(
    [[(number >> bit) & 1 for bit in range(len(CAUSES))] for number in range(2 ** len(CAUSES))],
    dtype=bool,
)
"""(64, 6): row c holds the six causes of combination c."""

MAX_AGE = 90


@dataclass(frozen=True, slots=True)
class Risk:
    """Log-odds of a cause: `base` at age 50 for a non-smoking man, plus the other terms."""

    base: float
    per_decade: float = 0.0
    female: float = 0.0
    smoker: float = 0.0


NEVER = Risk(base=-np.inf)


@dataclass(frozen=True, slots=True)
class Rates:
    """One dataset's population.

    Attributes:
        ages: youngest and oldest; between them ages follow a normal curve.
        age_mean, age_sd: of that curve, in years.
        female: share of women.
        smoker, covid19, copd, asthma, other: risk of each cause.
        one_diagnosis: the dataset gives each person one diagnosis or none.
    """

    ages: tuple[int, int]
    age_mean: float
    age_sd: float
    female: float
    smoker: Risk
    covid19: Risk = field(default=NEVER)
    copd: Risk = field(default=NEVER)
    asthma: Risk = field(default=NEVER)
    other: Risk = field(default=NEVER)
    one_diagnosis: bool = False


# Young men smoke most: age and sex say something about smoking, but not all.
SMOKING = Risk(base=0.2, per_decade=-0.45, female=-1.1)
# COPD follows age and smoking, in clinics (base) and in the crowd (rarer).
COPD_CLINIC = Risk(base=-1.75, per_decade=1.0, smoker=1.2)
COPD_CROWD = Risk(base=-5.0, per_decade=0.7, smoker=1.5)
ASTHMA_CROWD = Risk(base=-2.4, per_decade=-0.1, female=0.3)
# About half of the tested are positive, whatever their age and sex: the text tells COVID-19 by
# its symptoms only.
COVID19 = Risk(base=-0.2)

RATES: dict[str, Rates] = {
    "uk_covid19": Rates((18, 89), 46, 16, 0.55, SMOKING, COVID19, COPD_CROWD, ASTHMA_CROWD),
    "covid19_sounds": Rates((18, 89), 42, 15, 0.45, SMOKING, COVID19, COPD_CROWD, ASTHMA_CROWD),
    "coswara": Rates((18, 85), 38, 14, 0.40, SMOKING, COVID19, COPD_CROWD, ASTHMA_CROWD),
    # Unlike the real ICBHI, where age alone separates COPD from healthy, ages overlap.
    "icbhi": Rates(
        (25, 88),
        56,
        13,
        0.45,
        SMOKING,
        copd=COPD_CLINIC,
        asthma=Risk(base=-3.5),
        other=Risk(base=-2.2),
        one_diagnosis=True,
    ),
    "kauh": Rates(
        (18, 88),
        54,
        14,
        0.45,
        SMOKING,
        copd=COPD_CLINIC,
        asthma=Risk(base=-0.9, per_decade=-0.6, female=0.8),
        other=Risk(base=-1.6),
        one_diagnosis=True,
    ),
}


@dataclass(frozen=True, slots=True)
class People:
    """n simulated people.

    Attributes:
        age: (n,) whole years.
        combination: (n,) row of `COMBINATIONS`.
    """

    age: np.ndarray
    combination: np.ndarray

    def __len__(self) -> int:
        return len(self.age)

    def has(self, cause: str) -> np.ndarray:
        """(n,) whether each person has the cause."""
        return COMBINATIONS[self.combination, CAUSES.index(cause)]

    def take(self, indices: np.ndarray) -> People:
        """Those people only, in that order."""
        return People(self.age[indices], self.combination[indices])


def rates_of(dataset: str) -> Rates:
    """The population of a dataset.

    Raises:
        ConfigError: no such simulated dataset.
    """
    if dataset not in RATES:
        raise ConfigError(unknown_name("simulated dataset", dataset, RATES))
    return RATES[dataset]


@cache
def table(dataset: str) -> np.ndarray:
    """P(age, causes) of a dataset: (91, 64), a row per year of age, a column per combination."""
    rates = rates_of(dataset)
    age = np.arange(MAX_AGE + 1)
    age_weight = np.exp(-0.5 * ((age - rates.age_mean) / rates.age_sd) ** 2)
    age_weight[(age < rates.ages[0]) | (age > rates.ages[1])] = 0
    flags = {cause: COMBINATIONS[:, column] for column, cause in enumerate(CAUSES)}
    women = np.where(flags["female"], rates.female, 1 - rates.female)
    smokes = _sigmoid(_log_odds(rates.smoker, age, flags))
    smoking = np.where(flags["smoker"], smokes, 1 - smokes)
    with np.errstate(divide="ignore"):
        weight = np.ones((len(age), len(COMBINATIONS)))
        for diagnosis in DIAGNOSES:
            odds = np.exp(_log_odds(getattr(rates, diagnosis), age, flags))
            weight *= np.where(flags[diagnosis], odds, 1.0)
    if rates.one_diagnosis:
        weight[:, sum(flags[diagnosis].astype(int) for diagnosis in DIAGNOSES) > 1] = 0
    # Given age, sex and smoking, the diagnoses share the odds between them.
    for female in (False, True):
        for smoker in (False, True):
            columns = (flags["female"] == female) & (flags["smoker"] == smoker)
            weight[:, columns] /= weight[:, columns].sum(axis=1, keepdims=True)
    joint = age_weight[:, None] * women * smoking * weight
    joint /= joint.sum()
    joint.setflags(write=False)
    return joint


def draw_people(dataset: str, n: int, rng: np.random.Generator) -> People:
    """n people of a dataset's population."""
    joint = table(dataset)
    cell = rng.choice(joint.size, size=n, p=joint.ravel())
    age, combination = np.unravel_index(cell, joint.shape)
    return People(age, combination)


def _log_odds(risk: Risk, age: np.ndarray, flags: dict[str, np.ndarray]) -> np.ndarray:
    by_causes = risk.base + risk.female * flags["female"] + risk.smoker * flags["smoker"]
    return risk.per_decade * (age[:, None] - 50) / 10 + by_causes[None, :]


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))
