"""One pair of logits per condition, of which a batch reads those that are asked for."""

from __future__ import annotations

from torch import Tensor, nn


class Readout(nn.Module):
    """A linear layer with a 2-way output for each of C conditions.

    With C = 1 it answers the same whatever is asked: the task-specific baselines, and the published
    task-blind form of the joint ones, in which S3 (COVID-19) and S5 (smoking) get one answer about
    one recording.

    It starts from zeros: before the first step everybody gets the same answer. With few people
    training stops early, and a random start would then decide more than the data.

    Args:
        width: of what is read.
        conditions: C.
    """

    def __init__(self, width: int, conditions: int) -> None:
        super().__init__()
        self.classifier = nn.Linear(width, 2 * conditions)
        nn.init.zeros_(self.classifier.weight)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, states: Tensor, condition: Tensor) -> Tensor:
        """(B, width) and (B,) numbers of conditions -> (B, 2)."""
        answers = self.classifier(states).unflatten(1, (-1, 2))
        return answers.take_along_dim(condition[:, None, None], 1).squeeze(1)
