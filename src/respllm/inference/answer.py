"""An answer with all that a reader needs to judge it."""

from __future__ import annotations

from dataclasses import dataclass

from respllm.inference.question import Question
from respllm.types import Prediction, Unit


@dataclass(frozen=True, slots=True)
class Calibrated:
    """A probability with its interval, from the model's validation people (Venn-Abers).

    Attributes:
        probability: of answer 1, between `low` and `high`.
        low, high: what isotonic regression on the validation scores gives this score where it is
            added with label 0 and with label 1.
        unit: what one score belongs to, here and among the validation people.
        n_positive, n_negative: validation people of each answer.
    """

    probability: float
    low: float
    high: float
    unit: Unit
    n_positive: int
    n_negative: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answers that are not ruled out (class-conditional conformal set).

    Attributes:
        answers: (1,) yes, (0,) no; () and (0, 1) abstain.
        level: share of new people, exchangeable with the validation people, whose true answer is
            among theirs, within each class.
    """

    answers: tuple[int, ...]
    level: float

    @property
    def abstains(self) -> bool:
        """Whether neither or both answers are ruled out."""
        return len(self.answers) != 1


@dataclass(frozen=True, slots=True)
class Contributions:
    """What sound and text each did to one answer, in log-odds; above 0 speaks for answer 1.

    Attributes:
        base: the answer of this question to a neutral sound with nothing stated.
        audio, text: what the recording and what the stated words added. `base` + `audio` + `text`
            are the log-odds of `Prediction.probability`.
        method: how it was computed, and what neutral means.
    """

    base: float
    audio: float
    text: float
    method: str


@dataclass(frozen=True, slots=True)
class Familiarity:
    """How unlike the training recordings one recording sounds to the encoder.

    Attributes:
        percentile: share, from 0 to 100, of validation people's recordings that are less unusual.
        unusual: whether it is beyond nearly all of them.
    """

    percentile: float
    unusual: bool


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to one question about one recording. Research only, never a diagnosis.

    Attributes:
        prediction: log-odds and probability, as the model gives them.
        question: what was asked.
        dms_text: X_d, as the model read it; "" if nothing is stated.
        calibrated, verdict: from validation people; None where there are none to learn from.
        why_uncalibrated: why those are None; "" where they are not.
        contributions: None if the model has no neutral sound.
        familiarity: None if the model does not know what its training recordings sounded like.
        warnings: about the recording: clipped, short, unlike the training data.
        means_nothing: whether a model of simulated recordings answers for a real one.
    """

    prediction: Prediction
    question: Question
    dms_text: str
    calibrated: Calibrated | None
    verdict: Verdict | None
    why_uncalibrated: str
    contributions: Contributions | None
    familiarity: Familiarity | None
    warnings: tuple[str, ...]
    means_nothing: bool
