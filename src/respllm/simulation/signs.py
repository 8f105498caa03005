"""The latent sound parameters: four signs per recording, Gaussian given the person's causes.

A sign is in units of its standard deviation among people who share all causes: 0 is a healthy
non-smoking man's mean. The same cause moves the same signs in breath, cough and lung sounds.
Being a woman moves three signs too (small airways, say): who knows the sex reads them better, so
sound and text together tell more than each does alone.
"""

from __future__ import annotations

import numpy as np

from respllm.simulation.population import CAUSES, COMBINATIONS, People

SIGNS = ("brightness", "crackles", "prolongation", "wheeze")

# How far each cause moves each sign, in standard deviations; effects of causes add up.
EFFECTS: dict[str, dict[str, float]] = {
    "female": {"brightness": 1.4, "prolongation": 1.3, "wheeze": 1.3},
    "smoker": {"prolongation": 1.2, "wheeze": 0.4},
    "covid19": {"brightness": 1.05, "crackles": 0.75},
    "copd": {"crackles": 0.5, "prolongation": 0.7, "wheeze": 0.9},
    "asthma": {"wheeze": 1.1, "crackles": -0.7},
    "other": {"crackles": 1.0},
}


def means() -> np.ndarray:
    """Mean of each sign given the causes: (64 combinations, 4 signs)."""
    effects = np.array([[EFFECTS[cause].get(sign, 0.0) for sign in SIGNS] for cause in CAUSES])
    return COMBINATIONS @ effects


def draw_signs(people: People, rng: np.random.Generator) -> np.ndarray:
    """Signs of one recording of each person: (n, 4), independent given the causes."""
    return means()[people.combination] + rng.standard_normal((len(people), len(SIGNS)))
