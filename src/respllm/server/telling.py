"""Typed answers as the service tells them."""

from __future__ import annotations

import math
from typing import Any, Literal

from respllm.audio.loading import FORMATS
from respllm.audits.recording import RecordingAttribution
from respllm.datasets.vocabulary import MEDICAL_HISTORY, RECORDING_LOCATIONS, SYMPTOMS
from respllm.evaluation import ResultRow
from respllm.inference.answer import Answer
from respllm.inference.question import Question
from respllm.models import KnownTask
from respllm.server import schemas
from respllm.server.service import Service
from respllm.tasks import builtin_tasks
from respllm.types import Gender
from respllm.version import __version__

GENDERS: tuple[Gender, ...] = ("Female", "Male", "Other")
WITH_LOCATION = ("icbhi", "kauh")
"""Datasets that state where on the body a sound was recorded."""
INTERVAL = "Venn-Abers, from the run's validation people"
VERDICTS: dict[tuple[int, ...], tuple[Literal["yes", "no", "abstains"], str]] = {
    (1,): ("yes", "The answer no is ruled out at this level."),
    (0,): ("no", "The answer yes is ruled out at this level."),
    (0, 1): ("abstains", "Neither answer can be ruled out at this level: the model abstains."),
    (): (
        "abstains",
        "The score is unlike those of either answer at this level: the model abstains.",
    ),
}
"""What a conformal set of answers says."""


def model_reply(service: Service) -> schemas.Model:
    """What answers."""
    config, settings = service.config, service.settings
    real: Literal["accepted", "refused", "means nothing"] = "accepted"
    if config.simulated:
        real = "means nothing" if settings.allow_simulated_model else "refused"
    return schemas.Model(
        model_id=service.answerer.predictor.checkpoint.model_id,
        encoder=config.encoder_name,
        llm=config.model.llm.rpartition("/")[2],
        protocol=config.protocol,
        simulated=config.simulated,
        real_input=real,
        limits=schemas.Limits(
            max_upload_bytes=settings.max_upload_bytes,
            max_seconds=settings.max_seconds,
            max_table_rows=settings.max_cohort_rows,
            max_table_bytes=settings.max_table_bytes,
            formats=FORMATS,
        ),
        card=service.card,
        version=__version__,
    )


def tasks_reply(service: Service) -> schemas.Tasks:
    """What can be asked."""
    known = service.config.tasks
    sounds = dict.fromkeys(task.sound for task in known)
    return schemas.Tasks(
        tasks=tuple(_task(task, service) for task in known),
        free_condition=schemas.FreeCondition(sounds=tuple(sounds)),
    )


def _task(task: KnownTask, service: Service) -> schemas.KnownQuestion:
    return schemas.KnownQuestion(
        id=task.id,
        condition=task.condition,
        sound=task.sound,
        dataset=task.dataset,
        prompt=task.prompt,
        trained=task.role == "source",
        calibrated=service.answerer.calibrates(service.answerer.question(task.id)),
        auroc=_auroc(service.results.get(task.id)),
        asks_location=task.dataset in WITH_LOCATION or "lung" in task.sound,
    )


def _auroc(row: ResultRow | None) -> schemas.Auroc | None:
    score = None if row is None else row.score
    if score is None or score.value is None or score.low is None or score.high is None:
        return None
    return schemas.Auroc(
        value=score.value,
        low=score.low,
        high=score.high,
        n_subjects=score.n_subjects,
        n_positive=score.n_positive,
    )


def form_reply() -> schemas.Form:
    """The words of the training data."""
    return schemas.Form(
        genders=GENDERS,
        symptoms=SYMPTOMS,
        medical_history=MEDICAL_HISTORY,
        locations=RECORDING_LOCATIONS,
    )


def examples_reply(service: Service) -> schemas.Examples:
    """The simulated recordings."""
    return schemas.Examples(
        examples=tuple(example.shown for example in service.examples.by_id.values())
    )


def predicted(answer: Answer, name: str) -> schemas.Predicted:
    """An answer with all that a reader needs to judge it."""
    return schemas.Predicted(**_predicted(answer, name))


def answered_row(answer: Answer, name: str, row: int) -> schemas.AnsweredRow:
    """An answer for one row of a table."""
    return schemas.AnsweredRow(row=row, **_predicted(answer, name))


def _predicted(answer: Answer, name: str) -> dict[str, Any]:
    prediction = answer.prediction
    calibrated, verdict = answer.calibrated, answer.verdict
    contributions, familiarity = answer.contributions, answer.familiarity
    clips = len(prediction.clip_logits)
    return {
        "name": name,
        "task": _asked(answer.question, prediction.validated),
        "probability": prediction.probability,
        "log_odds": _log_odds(prediction.probability),
        "calibrated": calibrated
        and schemas.CalibratedProbability(
            probability=calibrated.probability,
            low=calibrated.low,
            high=calibrated.high,
            interval=INTERVAL,
            unit=calibrated.unit,
            n_positive=calibrated.n_positive,
            n_negative=calibrated.n_negative,
        ),
        "why_uncalibrated": answer.why_uncalibrated,
        "verdict": verdict and _verdict(verdict.answers, verdict.level),
        "contributions": contributions
        and schemas.Contributions(
            base=contributions.base,
            audio=contributions.audio,
            text=contributions.text,
            method=contributions.method,
        ),
        "familiarity": familiarity
        and schemas.Familiarity(percentile=familiarity.percentile, unusual=familiarity.unusual),
        "warnings": answer.warnings,
        "notes": tuple(note for note in prediction.notes if note not in answer.warnings),
        "means_nothing": answer.means_nothing,
        "clips": clips,
        "prompt": schemas.Prompt(
            task=answer.question.prompt,
            dms=answer.dms_text,
            audio=f"64 audio tokens x {clips}",
        ),
        "model_id": prediction.model_id,
    }


def attributed(found: RecordingAttribution) -> schemas.Attributed:
    """What moved an answer."""
    parts: dict[str, Literal["task", "person"]] = {"prompt": "task", "DMS": "person"}
    return schemas.Attributed(
        clips=tuple(
            schemas.AttributedClip(
                seconds_start=clip.seconds_start,
                seconds_stop=clip.seconds_stop,
                bands=tuple(
                    schemas.Band(
                        name=band.name,
                        low_hz=band.low_hz,
                        high_hz=band.high_hz,
                        seconds_per_value=band.seconds_per_value,
                        values=band.values,
                    )
                    for band in clip.bands
                ),
            )
            for clip in found.clips
        ),
        words=tuple(
            schemas.AttributedWord(word=word.word, part=parts[word.part], value=word.value)
            for word in found.words
        ),
        method=found.method,
        baseline=found.baseline,
    )


def _verdict(answers: tuple[int, ...], level: float) -> schemas.Verdict:
    answer, text = VERDICTS[answers]
    return schemas.Verdict(answer=answer, level=level, text=text)


def _asked(question: Question, validated: bool) -> schemas.AskedTask:
    known = question.known
    if known is not None:
        condition, sound = known.condition, known.sound
    elif question.task_id in builtin_tasks():
        task = builtin_tasks()[question.task_id]
        condition, sound = task.condition_name, task.sound
    else:
        condition = question.task_id.removeprefix("condition:")
        sound = question.prompt.partition("audio of the person's ")[2].partition(". Please")[0]
    return schemas.AskedTask(
        id=question.task_id, condition=condition, sound=sound, validated=validated
    )


def _log_odds(probability: float) -> float:
    tiny = 1e-300
    return math.log(max(probability, tiny)) - math.log(max(1 - probability, tiny))
