"""Scores of one model on one task, unit by unit, over several runs of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from respllm.errors import DataError
from respllm.evaluation.gathering import ScoredClip, choose_unit, gather
from respllm.types import Unit


@dataclass(frozen=True, slots=True)
class ScoredUnits:
    """n units of one task, each scored by K seeds of M models whose AUROCs are averaged.

    M is 1 but for the transfers of the paper's Table 3, where a target task is answered by
    several source models ("S2&4->T1").

    Attributes:
        unit: what one score belongs to.
        ids: (n,) unit ids.
        subjects: (n,) who each unit is of.
        labels: (n,) 1 or 0.
        scores: (K, M, n) float64; they grow with the belief in 1. Not checked to be finite.
    """

    unit: Unit
    ids: tuple[str, ...]
    subjects: tuple[str, ...]
    labels: np.ndarray
    scores: np.ndarray

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def mean_scores(self) -> np.ndarray:
        """(n,) mean over all runs: the score of their ensemble."""
        return self.scores.mean((0, 1))

    def subjects_of(self, label: int) -> int:
        """Number of subjects with a unit of this class."""
        return len({s for s, own in zip(self.subjects, self.labels, strict=True) if own == label})


def scored_units(
    runs: Sequence[Sequence[Sequence[ScoredClip]]], unit: Unit | None = None
) -> ScoredUnits:
    """Gather the clips of every run and put the runs side by side.

    Args:
        runs: seeds, of each its models, of each all scored clips of one task.
        unit: what one score belongs to; by default the largest that the labels allow.

    Raises:
        DataError: runs that scored different units, or none; see also `gather`.
    """
    if not runs or not runs[0] or not runs[0][0]:
        raise DataError("Nothing was scored", expected="at least one run with one scored clip")
    unit = unit or choose_unit(runs[0][0])
    first = gather(runs[0][0], unit)
    known = {one.unit_id: row for row, one in enumerate(first)}
    scores = np.empty((len(runs), len(runs[0]), len(first)))
    for seed, models in enumerate(runs):
        if len(models) != len(runs[0]):
            raise DataError("Every seed needs the same models", expected=f"{len(runs[0])} of them")
        for model, clips in enumerate(models):
            found = {one.unit_id: one for one in gather(clips, unit)}
            if found.keys() != known.keys():
                odd = sorted(found.keys() ^ known.keys())
                raise DataError(
                    f"Two runs scored different recordings: {len(odd)} are in one only, "
                    f"such as {odd[0]}",
                    next_step="score both on the same data and protocol",
                )
            for name, row in known.items():
                scores[seed, model, row] = found[name].logit
    return ScoredUnits(
        unit,
        tuple(known),
        tuple(one.subject_id for one in first),
        np.array([one.label for one in first]),
        scores,
    )
