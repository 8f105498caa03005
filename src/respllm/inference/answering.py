"""Whole answers: what the model says, how far to trust it, and what it rests on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import count
from pathlib import Path
from statistics import fmean

import numpy as np

from respllm.errors import DataError
from respllm.inference.answer import Answer, Contributions
from respllm.inference.calibrating import Judgement, calibrator_for, judge
from respllm.inference.contributions import (
    Variants,
    neutral_example,
    neutral_tokens,
    shapley,
    variants_of,
)
from respllm.inference.familiarity import UNLIKE, familiarity
from respllm.inference.hearing import Heard, Refusal, Request, heard_ahead
from respllm.inference.predictor import Predictor, asked_of, corrected
from respllm.inference.question import Question
from respllm.models.calibration_file import Calibration, read_calibration
from respllm.models.checkpoint import checkpoint_folder
from respllm.models.reference import Reference, read_reference
from respllm.prompts import dms_text
from respllm.types import Example, Precision

KEPT_BASES = 256
"""Questions whose answer to a neutral sound is kept."""


class Answerer:
    """A `Predictor` that says more: the command line, the service and Python share it.

    Research only, never a diagnosis.

    Args:
        predictor: answers.
        calibration: what its validation people taught; None leaves scores uncalibrated.
        reference: what its training recordings sounded like; None leaves out what sound and text
            contributed, and how familiar a recording is.
    """

    def __init__(
        self,
        predictor: Predictor,
        calibration: Calibration | None = None,
        reference: Reference | None = None,
    ) -> None:
        self.predictor = predictor
        self.calibration = calibration
        self.reference = reference
        self._bases: dict[tuple[str, str], float] = {}

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path,
        *,
        device: str = "cpu",
        encoder_checkpoint: str | Path | None = None,
        precision: Precision = "float32",
        allow_simulated_model: bool = False,
    ) -> Answerer:
        """Load what `Predictor.from_pretrained` loads, and what is kept beside the weights.

        Raises:
            CheckpointError: a part is damaged or belongs to other weights.
        """
        predictor = Predictor.from_pretrained(
            source,
            device=device,
            encoder_checkpoint=encoder_checkpoint,
            precision=precision,
            allow_simulated_model=allow_simulated_model,
        )
        folder, config = checkpoint_folder(source), predictor.checkpoint.config
        return cls(
            predictor,
            read_calibration(folder, config.weights_sha256),
            read_reference(folder, config.weights_sha256, config.audio_width),
        )

    def question(
        self, task: str | None = None, condition: str | None = None, sound: str | None = None
    ) -> Question:
        """What to ask; see `Predictor.question`."""
        return self.predictor.question(task, condition, sound)

    def calibrates(self, question: Question) -> bool:
        """Whether some recordings get a calibrated answer to this question."""
        return not isinstance(calibrator_for(self.calibration, question, "recording", 1), str)

    def hear(self, request: Request) -> Heard:
        """Make a recording ready to be asked about; threads may share it.

        Raises:
            AudioError: the recording cannot be used.
            SafetyError: a model trained on simulated recordings, a real recording.
        """
        return self.predictor.hear(request)

    def answer(
        self, heard: Sequence[tuple[Heard, Question]], *, contributions: bool = True
    ) -> list[Answer]:
        """Answer questions about recordings, all at once; neighbours change no answer.

        Args:
            heard: each recording with its question; questions may differ.
            contributions: tell what sound and text did, which costs about twice the time.
        """
        if not heard:
            return []
        tokens = self.predictor.tokens([one for one, _ in heard])
        asked = [asked_of(one, question) for one, question in heard]
        neutral = self.reference.mean_tokens if self.reference and contributions else None
        rows = _Rows()
        places = [rows.add(examples, t) for examples, t in zip(asked, tokens, strict=True)]
        variants = [variants_of(examples) for examples in asked]
        told = [
            None if neutral is None else _add_variants(rows, v, t, neutral)
            for v, t in zip(variants, tokens, strict=True)
        ]
        logits = np.array(self.predictor.log_odds(rows.examples, rows.tokens()))
        return [
            self._whole(
                one,
                question,
                logits[place].tolist(),
                tokens[i],
                None
                if (more := told[i]) is None
                else shapley(
                    logits[place].tolist(),
                    logits[more[0]].tolist(),
                    None if more[1] is None else float(logits[more[1]]),
                    self._base(asked[i][0]),
                    corrected(0.0, question),
                ),
            )
            for i, ((one, question), place) in enumerate(zip(heard, places, strict=True))
        ]

    def answer_many(
        self, requests: Iterable[Request], question: Question, *, contributions: bool = False
    ) -> Iterator[Answer | Refusal]:
        """Answer for many recordings, in order and in bounded memory; see `predict_many`.

        Args:
            contributions: see `answer`.
        """
        for heard in heard_ahead(requests, self.hear):
            usable = [(one, question) for one in heard if isinstance(one, Heard)]
            answers = iter(self.answer(usable, contributions=contributions))
            for one in heard:
                yield one if isinstance(one, Refusal) else next(answers)

    def judge_person(self, answers: Sequence[Answer]) -> Judgement:
        """Calibrate the mean score of several recordings of one person, as one score of a person.

        Raises:
            DataError: no answer, or answers to several questions.
        """
        if not answers or any(one.question != answers[0].question for one in answers):
            raise DataError("A person is judged by answers to one question")
        question = answers[0].question
        found = calibrator_for(self.calibration, question, "subject", len(answers))
        return judge(found, fmean(one.prediction.logit for one in answers))

    def _whole(
        self,
        heard: Heard,
        question: Question,
        logits: list[float],
        tokens: np.ndarray,
        contributions: Contributions | None,
    ) -> Answer:
        prediction = self.predictor.prediction(heard, question, logits)
        found = calibrator_for(self.calibration, question, "recording", len(heard.clips))
        judgement = judge(found, prediction.logit)
        familiar = self.reference.familiar if self.reference else None
        how = None if familiar is None else familiarity(familiar, tokens)
        return Answer(
            prediction=prediction,
            question=question,
            dms_text=dms_text(heard.request.dms),
            calibrated=judgement.calibrated,
            verdict=judgement.verdict,
            why_uncalibrated=judgement.why,
            contributions=contributions,
            familiarity=how,
            warnings=(*heard.warnings, *((UNLIKE,) if how and how.unusual else ())),
            means_nothing=self.predictor.means_nothing(heard.request),
        )

    def _base(self, example: Example) -> float:
        """Log-odds of a question to a neutral sound with nothing stated; computed once."""
        key = (example.task_id, example.prompt_text)
        if key not in self._bases:
            assert self.reference is not None
            tokens = neutral_tokens(self.reference.mean_tokens, 1)
            found = self.predictor.log_odds([neutral_example(example)], tokens)[0]
            if len(self._bases) >= KEPT_BASES:
                self._bases.clear()
            self._bases[key] = found
            return found
        return self._bases[key]


class _Rows:
    """What is asked in one batch, each with its sound."""

    def __init__(self) -> None:
        self.examples: list[Example] = []
        self._tokens: list[np.ndarray] = []
        self._unheard: dict[tuple[str, str, str], int] = {}
        self._next = count()

    def add(self, examples: Sequence[Example], tokens: np.ndarray) -> list[int]:
        """Add examples (n) with tokens (n, 64, A); their places in the batch."""
        self.examples += examples
        self._tokens.append(tokens)
        return [next(self._next) for _ in examples]

    def add_unheard(self, example: Example, neutral: np.ndarray) -> int:
        """Add words with the neutral sound, once for all recordings that share them."""
        key = (example.task_id, example.prompt_text, example.dms_text)
        if key not in self._unheard:
            self._unheard[key] = self.add([example], neutral_tokens(neutral, 1))[0]
        return self._unheard[key]

    def tokens(self) -> np.ndarray:
        """(n, 64, A)."""
        return np.concatenate(self._tokens)


def _add_variants(
    rows: _Rows, variants: Variants, tokens: np.ndarray, neutral: np.ndarray
) -> tuple[list[int], int | None]:
    """Places of the untold clips and of the unheard words."""
    if variants.unheard is None:
        return [], None
    return rows.add(variants.untold, tokens), rows.add_unheard(variants.unheard, neutral)
