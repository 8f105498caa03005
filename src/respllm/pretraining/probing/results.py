"""What a probe finds."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from respllm.types import Score

LOG_MEL, TREES = "log-mel statistics, logistic", "log-mel statistics, trees"
MEL_PATCH, UNTRAINED = "mel-patch", "untrained HTS-AT"
BASELINES = (LOG_MEL, TREES, MEL_PATCH, UNTRAINED)


@dataclass(frozen=True, slots=True)
class Versus:
    """The encoder's AUROC minus a baseline's on the same people.

    Attributes:
        baseline: its name.
        auroc: the baseline's.
        value, low, high: of the difference, with its paired 95% interval by subject.
        note: why there is none.
    """

    baseline: str
    auroc: Score
    value: float | None
    low: float | None
    high: float | None
    note: str


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The same people asked after fewer were learned from.

    Attributes:
        people: labelled people that each fold learned from.
        score: the encoder's AUROC.
        versus: the logistic regression on log-mel statistics.
    """

    people: int
    score: Score
    versus: Versus


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One question.

    Attributes:
        id, title: see `Question`.
        final: whether it looked at people held out for the end.
        score: the encoder's AUROC; its seeds are divisions into folds.
        versus: each baseline.
        skipped: clips that could not be heard.
        heard: recordings of the asked whose person or sound pretraining had heard; None: not known.
            People of an own table are known by their recordings' bytes alone, as pretraining wrote
            their names down under the name of its source: other recordings of them are missed.
        note: why it was not asked.
        curve: by number of labelled people, where it was asked for.
    """

    id: str
    title: str
    final: bool
    score: Score | None
    versus: tuple[Versus, ...]
    skipped: int
    heard: int | None
    note: str = ""
    curve: tuple[CurvePoint, ...] = ()


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """All questions, and what was probed.

    Attributes:
        encoder: identity.
        rows: one per question.
        seeds: divisions into folds that were averaged.
        people: numbers of labelled people that a curve was asked for.
        looks: where looks at people held out for the end were written down; None: there were none.
    """

    encoder: str
    rows: tuple[ProbeRow, ...]
    seeds: int
    people: tuple[int, ...] = ()
    looks: Path | None = None
