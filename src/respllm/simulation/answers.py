"""What simulated people state: age, gender, symptoms, medical history.

Symptoms and history are drawn given the person's causes: each cause adds its own chance (noisy
or). Whether something is stated at all is drawn independently of everything else, so a missing
answer says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from respllm.simulation.population import CAUSES, COMBINATIONS, MAX_AGE, People

# Chance of each symptom without any cause, then what each cause adds.
SYMPTOMS: dict[str, dict[str, float]] = {
    "cough": {"base": 0.22, "covid19": 0.24, "copd": 0.30, "asthma": 0.12, "smoker": 0.08},
    "wet cough": {"base": 0.07, "copd": 0.30, "smoker": 0.38},
    "fever": {"base": 0.08, "covid19": 0.26},
    "loss of smell or taste": {"base": 0.05, "covid19": 0.28},
    "fatigue": {"base": 0.18, "covid19": 0.16, "copd": 0.10},
    "shortness of breath": {"base": 0.06, "covid19": 0.08, "copd": 0.40, "asthma": 0.25},
    "sore throat": {"base": 0.18, "covid19": 0.08},
    "headache": {"base": 0.20, "covid19": 0.10},
    "runny nose": {"base": 0.20},
    "muscle pain": {"base": 0.10, "covid19": 0.14},
}
HISTORY: dict[str, dict[str, float]] = {
    "asthma": {"base": 0.0, "asthma": 0.95},
    "copd": {"base": 0.0, "copd": 0.85},
    "hypertension": {"base": 0.14},
    "diabetes": {"base": 0.06},
}


@dataclass(frozen=True, slots=True)
class Questionnaire:
    """What one dataset asks, and how often the answer is missing.

    Attributes:
        symptoms, history: what can be ticked.
        age_bands: first ages of the bands in which age is stated; None: whole years.
        missing_age, missing_sex, missing_symptoms, missing_history: chance that the person does
            not say (a list is missing as a whole).
    """

    symptoms: tuple[str, ...] = ()
    history: tuple[str, ...] = ()
    age_bands: tuple[int, ...] | None = None
    missing_age: float = 0.0
    missing_sex: float = 0.0
    missing_symptoms: float = 0.0
    missing_history: float = 0.0


DECADES = (16, 20, 30, 40, 50, 60, 70, 80)
UK_BANDS = (18, 45, 65)

QUESTIONNAIRES: dict[str, Questionnaire] = {
    "uk_covid19": Questionnaire(
        symptoms=(
            "cough",
            "fever",
            "loss of smell or taste",
            "fatigue",
            "shortness of breath",
            "sore throat",
            "headache",
            "runny nose",
        ),
        history=("asthma",),
        age_bands=UK_BANDS,
        missing_age=0.01,
        missing_sex=0.01,
        missing_symptoms=0.04,
        missing_history=0.06,
    ),
    "covid19_sounds": Questionnaire(
        symptoms=(
            "cough",
            "wet cough",
            "fever",
            "loss of smell or taste",
            "shortness of breath",
            "sore throat",
            "headache",
            "muscle pain",
        ),
        history=("asthma", "copd", "hypertension", "diabetes"),
        age_bands=DECADES,
        missing_age=0.03,
        missing_sex=0.02,
        missing_symptoms=0.04,
        missing_history=0.05,
    ),
    # In Coswara nobody states "none": what is not ticked is simply absent.
    "coswara": Questionnaire(
        symptoms=(
            "cough",
            "fever",
            "loss of smell or taste",
            "fatigue",
            "shortness of breath",
            "sore throat",
            "runny nose",
            "muscle pain",
        ),
        history=("asthma", "copd", "hypertension", "diabetes"),
    ),
    "icbhi": Questionnaire(missing_age=0.02, missing_sex=0.02),
    "kauh": Questionnaire(),
}


@dataclass(frozen=True, slots=True)
class Answers:
    """What n people state.

    Attributes:
        age_low, age_high: (n,) youngest and oldest age that what is stated allows; equal for
            whole years; the whole range if age is not stated.
        age_stated, sex_stated, symptoms_stated, history_stated: (n,) bool.
        female: (n,) bool, meaningful where `sex_stated`.
        symptoms: (n, number of symptoms asked) bool, meaningful where stated.
        history: (n, number of conditions asked) bool, meaningful where stated.
    """

    age_low: np.ndarray
    age_high: np.ndarray
    age_stated: np.ndarray
    sex_stated: np.ndarray
    symptoms_stated: np.ndarray
    history_stated: np.ndarray
    female: np.ndarray
    symptoms: np.ndarray
    history: np.ndarray

    def take(self, indices: np.ndarray) -> Answers:
        """Those people only, in that order."""
        return Answers(*(getattr(self, name)[indices] for name in self.__slots__))


def chances(items: dict[str, dict[str, float]], asked: tuple[str, ...]) -> np.ndarray:
    """P(ticked | causes): (64 combinations, len(asked))."""
    columns = []
    for name in asked:
        spared = np.full(len(COMBINATIONS), 1 - items[name]["base"])
        for column, cause in enumerate(CAUSES):
            spared *= np.where(COMBINATIONS[:, column], 1 - items[name].get(cause, 0.0), 1.0)
        columns.append(1 - spared)
    return np.array(columns).T.reshape(len(COMBINATIONS), len(asked))


def draw_answers(dataset: str, people: People, rng: np.random.Generator) -> Answers:
    """What these people state in this dataset's questionnaire."""
    asked = QUESTIONNAIRES[dataset]
    n = len(people)
    age_stated = rng.random(n) >= asked.missing_age
    low, high = _age_limits(people.age, asked.age_bands)
    symptom_chance = chances(SYMPTOMS, asked.symptoms)[people.combination]
    history_chance = chances(HISTORY, asked.history)[people.combination]
    return Answers(
        age_low=np.where(age_stated, low, 0),
        age_high=np.where(age_stated, high, MAX_AGE),
        age_stated=age_stated,
        sex_stated=rng.random(n) >= asked.missing_sex,
        symptoms_stated=rng.random(n) >= asked.missing_symptoms,
        history_stated=rng.random(n) >= asked.missing_history,
        female=people.has("female"),
        symptoms=rng.random(symptom_chance.shape) < symptom_chance,
        history=rng.random(history_chance.shape) < history_chance,
    )


def _age_limits(age: np.ndarray, bands: tuple[int, ...] | None) -> tuple[np.ndarray, np.ndarray]:
    if bands is None:
        return age, age
    edges = np.array([*bands, MAX_AGE + 1])
    band = np.searchsorted(edges, age, side="right") - 1
    return edges[band], edges[band + 1] - 1
