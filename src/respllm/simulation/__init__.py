"""Simulated cohorts in the datasets' own layouts. Simulated: no patient, no finding."""

from respllm.simulation.cohort import (
    CEILINGS,
    DEFAULT_SUBJECTS,
    MIN_SUBJECTS,
    TRUTH,
    CohortSummary,
    simulate_cohort,
)
from respllm.simulation.marker import MARKER, is_simulated
from respllm.simulation.truth import best_logits

__all__ = [
    "CEILINGS",
    "DEFAULT_SUBJECTS",
    "MARKER",
    "MIN_SUBJECTS",
    "TRUTH",
    "CohortSummary",
    "best_logits",
    "is_simulated",
    "simulate_cohort",
]
