"""A task as a trained model remembers it."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from respllm.config import StrictModel
from respllm.prompts import task_prompt
from respllm.tasks import Task


class KnownTask(StrictModel):
    """The words of a task and what its training part implied.

    Attributes:
        id, dataset, condition, sound: as in tables.
        prompt: X_p.
        role: "source" if the model was trained on it, "target" if it was only tested.
        prior: share of positive people in the training part; None if it was not trained on.
        trained_prior: the share of positives that weighting and re-sampling made of it, which
            the model's raw probabilities assume; None if it was not trained on.
    """

    id: str
    dataset: str
    condition: str
    sound: str
    prompt: str
    role: Literal["source", "target"]
    prior: float | None = Field(default=None, ge=0, le=1)
    trained_prior: float | None = Field(default=None, ge=0, le=1)

    @classmethod
    def of(
        cls, task: Task, prior: float | None = None, trained_prior: float | None = None
    ) -> KnownTask:
        """Remember a task; without priors, one that was not trained on."""
        return cls(
            id=task.id,
            dataset=task.dataset_name,
            condition=task.condition_name,
            sound=task.sound,
            prompt=task_prompt(task),
            role="target" if prior is None else "source",
            prior=prior,
            trained_prior=trained_prior,
        )

    def corrected(self, logit: float) -> float:
        """Replace the share of positives that training implied by the true one (Saerens 2002).

        A logit of a task that was not trained on, or of one class, is returned as it is.
        """
        if self.prior is None or self.trained_prior is None:
            return logit
        if not (0 < self.prior < 1 and 0 < self.trained_prior < 1):
            return logit
        return logit + _log_odds(self.prior) - _log_odds(self.trained_prior)


def _log_odds(share: float) -> float:
    return math.log(share / (1 - share))
