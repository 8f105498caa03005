"""What the thirteen tasks ask of the simulated population: which cause, among whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from respllm.simulation.population import CAUSES, COMBINATIONS, People

SoundKind = Literal["breath", "cough", "lung"]


@dataclass(frozen=True, slots=True)
class Question:
    """One task as the simulation sees it.

    Attributes:
        task_id: "S1" ... "T6".
        dataset: registry name of the dataset.
        sound: the dataset's name of the sound.
        cause: the cause that makes the label 1.
        without: people with one of these causes are not asked (another diagnosis).
        needs_both: text and sound together reach at least 0.08 AUROC more than either alone.
    """

    task_id: str
    dataset: str
    sound: str
    cause: str
    without: tuple[str, ...] = ()
    needs_both: bool = True

    @property
    def eligible(self) -> np.ndarray:
        """(64,) whether people with this combination of causes are asked."""
        excluded = [CAUSES.index(cause) for cause in self.without]
        return np.logical_not(COMBINATIONS[:, excluded].any(axis=1))

    def asks(self, people: People) -> np.ndarray:
        """(n,) whether each person is asked."""
        return self.eligible[people.combination]


QUESTIONS = (
    Question("S1", "uk_covid19", "exhalation", "covid19"),
    Question("S2", "uk_covid19", "cough", "covid19"),
    Question("S3", "covid19_sounds", "breath", "covid19"),
    Question("S4", "covid19_sounds", "cough", "covid19"),
    Question("S5", "covid19_sounds", "breath", "smoker"),
    Question("S6", "covid19_sounds", "cough", "smoker"),
    Question("S7", "icbhi", "lung", "copd", without=("asthma", "other")),
    Question("T1", "coswara", "cough-shallow", "covid19"),
    Question("T2", "coswara", "cough-heavy", "covid19"),
    Question("T3", "coswara", "breathing-shallow", "covid19"),
    Question("T4", "coswara", "breathing-deep", "covid19"),
    Question("T5", "kauh", "lung", "copd", without=("asthma", "other")),
    Question("T6", "kauh", "lung", "asthma", without=("copd", "other"), needs_both=False),
)
