"""A model, ready to answer requests: what is heard, asked and told, without HTTP."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from respllm.audio import SAMPLE_RATE
from respllm.audits.recording import RecordingAttribution, attribute_recording
from respllm.errors import ConfigError, DataError, SafetyError, unknown_name
from respllm.evaluation import ResultRow
from respllm.evaluation.result_file import read_rows
from respllm.inference import Question, Request
from respllm.inference.answer import Answer
from respllm.inference.answering import Answerer
from respllm.inference.hearing import Heard
from respllm.inference.predictor import SIMULATED_MODEL
from respllm.models.checkpoint import CARD, checkpoint_folder
from respllm.server.decoding import decode
from respllm.server.examples import ExampleSet, make_examples
from respllm.server.problems import NO_ATTRIBUTION, ProblemError
from respllm.server.settings import Settings
from respllm.tasks import builtin_tasks
from respllm.tasks.clips import cut
from respllm.types import Dms, Record

NOT_AN_EXAMPLE = "This model was trained on simulated recordings, and this recording is none"


@dataclass(frozen=True, slots=True)
class Asking:
    """One recording and what is asked about it.

    Attributes:
        audio: gives the file's bytes; called once, in a thread.
        start, stop: seconds; the stretch that is heard.
    """

    audio: Callable[[], bytes]
    name: str
    question: Question
    dms: Dms
    start: float = 0.0
    stop: float | None = None


@dataclass(frozen=True, slots=True)
class Listening:
    """One recording that was heard, with its question.

    Attributes:
        is_example: whether it is one of the service's own simulated recordings.
    """

    heard: Heard
    question: Question
    is_example: bool

    @property
    def n_clips(self) -> int:
        """Stretches of sound that the model hears."""
        return len(self.heard.clips)


class Service:
    """What the endpoints do.

    Args:
        answerer: answers; it must let a model of simulated data answer for any recording, which
            is decided here.
        settings: what is allowed.
        results: rows of the run's last test.
        card: the model card, in Markdown.
    """

    def __init__(
        self,
        answerer: Answerer,
        settings: Settings,
        results: Sequence[ResultRow] = (),
        card: str = "",
    ) -> None:
        self.answerer = answerer
        self.settings = settings
        self.results = {row.task_id: row for row in results}
        self.card = card
        self.examples: ExampleSet = make_examples()
        self.config = answerer.predictor.checkpoint.config

    def question(self, task: str | None, condition: str | None, sound: str | None) -> Question:
        """What to ask; no task file is read because a stranger names it.

        Raises:
            ConfigError: neither or both, or no such task.
        """
        names = dict.fromkeys([*(known.id for known in self.config.tasks), *builtin_tasks()])
        if task is not None and task not in names:
            raise ConfigError(
                unknown_name("task", task, names),
                where="task",
                next_step="use one of GET /v1/tasks, or a condition with a sound",
            )
        return self.answerer.question(task, condition, sound)

    def decode(self, audio: bytes) -> np.ndarray:
        """A recording as a waveform (n,) at 16 kHz.

        Raises:
            AudioError: it cannot be used.
            SafetyError: see `check_simulation`.
        """
        self.check_simulation(audio)
        return decode(audio, self.settings)

    def count_clips(self, waveform: np.ndarray) -> int:
        """Stretches of a waveform (n,) at 16 kHz that the model hears."""
        if self.config.protocol == "paper":
            return 1
        record = Record("", "", "", "", Path(), Dms())
        return len(cut(record, len(waveform) / SAMPLE_RATE))

    def hear(self, asking: Asking) -> Listening:
        """Make a recording ready; called from several threads.

        Raises:
            AudioError: it cannot be used.
            SafetyError: see `check_simulation`.
        """
        audio = asking.audio()
        is_example = self.check_simulation(audio)
        waveform = decode(audio, self.settings, asking.start, asking.stop)
        heard = self.answerer.hear(Request(waveform, asking.dms, asking.name, asking.name))
        # What waits for its answer waits without its sound.
        request = replace(heard.request, audio=b"")
        return Listening(replace(heard, request=request), asking.question, is_example)

    def ask(self, heard: Sequence[Listening]) -> list[Answer]:
        """Answers for several recordings; called from one thread."""
        answers = self.answerer.answer([(one.heard, one.question) for one in heard])
        return [
            _about_example(answer) if one.is_example else answer
            for one, answer in zip(heard, answers, strict=True)
        ]

    def attribute(self, listening: Listening) -> RecordingAttribution:
        """What in a recording and in the words moved its answer; called from the asking thread.

        Raises:
            ProblemError: the model has no neutral sound to compare with.
        """
        if self.answerer.reference is None:
            raise ProblemError(
                NO_ATTRIBUTION,
                "This model does not know what its training recordings sounded like",
                next_step="train it again with this version of respllm",
            )
        return attribute_recording(self.answerer, listening.heard, listening.question)

    def check_simulation(self, audio: bytes) -> bool:
        """Whether a recording is one of the examples.

        Raises:
            SafetyError: the model is of simulated data, the recording none of the examples, and
                nobody allowed that.
        """
        is_example = self.examples.has(audio)
        if self.config.simulated and not (is_example or self.settings.allow_simulated_model):
            raise SafetyError(
                NOT_AN_EXAMPLE,
                expected="one of the simulated recordings of GET /v1/examples",
                next_step="serve a model that was trained on real recordings; or start the "
                "service with --allow-simulated-model to see numbers that mean nothing",
            )
        return is_example


def _about_example(answer: Answer) -> Answer:
    """An answer about a simulated person by a model of simulated people means what it says."""
    notes = tuple(note for note in answer.prediction.notes if note != SIMULATED_MODEL)
    prediction = replace(answer.prediction, notes=notes)
    return replace(answer, prediction=prediction, means_nothing=False)


def results_of(run: str | Path, protocol: str) -> tuple[ResultRow, ...]:
    """Rows of a run's last test under its protocol; () if it was not tested here."""
    try:
        return read_rows(Path(run) / "results" / protocol / "rows.json")
    except DataError:
        return ()


def card_of(run: str | Path) -> str:
    """The model card beside a run's weights; "" without one."""
    path = checkpoint_folder(run) / CARD
    return path.read_text(encoding="utf-8") if path.is_file() else ""
