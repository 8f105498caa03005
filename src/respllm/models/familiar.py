"""What training recordings sound like to the encoder: a Gaussian of low rank.

Each clip is the mean and the standard deviation of its 64 audio tokens. Probabilistic principal
components (Tipping and Bishop 1999) of the training people's clips give a distance, and validation
people's recordings its scale: they are as new to the fit as anybody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

COMPONENTS = 48
"""Directions that are told apart; what is left counts alike in every direction."""
MOST_CLIPS = 4096
"""Training clips that are looked at, evenly spaced."""
UNUSUAL = 99.0
"""Percentile of validation people's recordings beyond which one is called unusual."""
FEWEST_PEOPLE = 20
"""Validation people without whom no percentile is told."""
LEAST_SPREAD = 0.05
"""Of the mean spread: a dimension that hardly varied in training must not decide alone."""


@dataclass(frozen=True, slots=True)
class Familiar:
    """A Gaussian over summaries of clips, and how far validation people's recordings lie from it.

    Shapes: D = 2 A features, K components, V validation recordings.

    Attributes:
        centre, spread: (D,) by which features are standardised.
        components: (K, D) orthonormal.
        variances: (K,) along the components.
        rest: (1,) variance in every other direction.
        distances: (V,) of validation recordings, ascending.
        weights: (V,) one over the number of the person's recordings.
    """

    centre: np.ndarray
    spread: np.ndarray
    components: np.ndarray
    variances: np.ndarray
    rest: np.ndarray
    distances: np.ndarray
    weights: np.ndarray

    def distance(self, tokens: np.ndarray) -> float:
        """How far a recording lies, from its clips' audio tokens (clips, 64, A)."""
        return _distance(self, summaries(tokens))

    def percentile(self, distance: float) -> float:
        """Share of validation people's recordings that lie nearer, 0 to 100; people alike."""
        nearer = np.searchsorted(self.distances, distance, side="left")
        return 100 * float(self.weights[:nearer].sum() / self.weights.sum())


def fit_familiar(
    training: np.ndarray,
    validation: np.ndarray,
    recordings: Sequence[str],
    people: Sequence[str],
) -> Familiar | None:
    """Fit on training clips, and set the scale on validation people's recordings.

    Args:
        training: (n, D) `summaries` of training clips.
        validation: (v, D) the same of validation clips.
        recordings, people: of the validation clips, (v,).

    Returns:
        None with fewer than `FEWEST_PEOPLE` validation people or three training clips.
    """
    if len(set(people)) < FEWEST_PEOPLE or len(training) < 3:
        return None
    from sklearn.decomposition import PCA

    centre, spread = training.mean(0), training.std(0)
    spread = np.maximum(spread, max(LEAST_SPREAD * float(spread.mean()), 1e-6))
    standard = (training - centre) / spread
    most = min(standard.shape) - 1
    model = PCA(min(COMPONENTS, most), svd_solver="randomized", random_state=0).fit(standard)
    fitted = Familiar(
        centre=centre.astype(np.float32),
        spread=spread.astype(np.float32),
        components=model.components_.astype(np.float32),
        variances=np.maximum(model.explained_variance_, 1e-6).astype(np.float32),
        rest=np.array([max(float(model.noise_variance_), 1e-6)], np.float32),
        distances=np.zeros(0),
        weights=np.zeros(0),
    )
    rows: dict[str, list[int]] = {}
    owner: dict[str, str] = {}
    for row, (recording, person) in enumerate(zip(recordings, people, strict=True)):
        rows.setdefault(recording, []).append(row)
        owner[recording] = person
    each = Counter(owner.values())
    scale = sorted(
        (_distance(fitted, validation[own]), 1 / each[owner[recording]])
        for recording, own in rows.items()
    )
    return replace(
        fitted,
        distances=np.array([distance for distance, _ in scale]),
        weights=np.array([weight for _, weight in scale]),
    )


def summaries(tokens: np.ndarray) -> np.ndarray:
    """Mean and standard deviation of each clip's tokens, (n, 64, A) -> (n, 2 A)."""
    return np.concatenate([tokens.mean(1), tokens.std(1)], axis=1)


def _distance(familiar: Familiar, features: np.ndarray) -> float:
    """Mean squared Mahalanobis distance of a recording's clips, per dimension."""
    standard = (features - familiar.centre) / familiar.spread
    along = standard @ familiar.components.T
    beside = np.maximum((standard**2).sum(1) - (along**2).sum(1), 0)
    squared = (along**2 / familiar.variances).sum(1) + beside / familiar.rest[0]
    return float(squared.mean() / features.shape[1])
