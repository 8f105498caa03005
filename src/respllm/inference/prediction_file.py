"""Predictions in a file, written as they come."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from textwrap import indent
from typing import TYPE_CHECKING, Any, TextIO

from respllm.evaluation import DISCLAIMER
from respllm.types import Prediction

if TYPE_CHECKING:
    from respllm.inference.answer import Answer, Verdict
    from respllm.inference.predictor import Refusal

COLUMNS = ("task", "record", "subject", "label", "logit", "probability", "clips", "model", "notes")
CALIBRATED_COLUMNS = ("calibrated", "low", "high", "verdict")


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> int:
    """Write predictions as CSV, one line each as they come; the file appears when all are there.

    Returns:
        The number written.
    """
    return _write_rows(path, COLUMNS, (_row(one, one.notes) for one in predictions))


def write_answers(path: Path, answers: Iterable[Answer], calibrated: bool) -> int:
    """As `write_predictions`, with what is said about each recording.

    Args:
        calibrated: write calibrated probabilities, their intervals and verdicts too; empty where
            an answer has none.
    """
    columns = (*COLUMNS, *(CALIBRATED_COLUMNS if calibrated else ()))
    return _write_rows(
        path,
        columns,
        (
            _row(one.prediction, told_about(one)) + (_calibrated(one) if calibrated else [])
            for one in answers
        ),
    )


def told_about(answer: Answer) -> tuple[str, ...]:
    """All notes and warnings of an answer, each once."""
    return tuple(dict.fromkeys((*answer.prediction.notes, *answer.warnings)))


def entries(one: Prediction | Answer, *, texts: bool = False) -> dict[str, Any]:
    """As JSON: a prediction's own entries and, beside them, what an answer says besides.

    Args:
        texts: repeat what the model read. A file of many answers does not: its table has the words
            already, and such files are passed on.
    """
    if isinstance(one, Prediction):
        return asdict(one)
    verdict = one.verdict
    read = {"prompt": one.question.prompt, "dms_text": one.dms_text} if texts else {}
    return asdict(one.prediction) | {
        "notes": told_about(one),
        **read,
        "calibrated": one.calibrated and asdict(one.calibrated),
        "verdict": verdict and {"answer": verdict_word(verdict), **asdict(verdict)},
        "why_uncalibrated": one.why_uncalibrated,
        "contributions": one.contributions and asdict(one.contributions),
        "familiarity": one.familiarity and asdict(one.familiarity),
        "warnings": one.warnings,
        "means_nothing": one.means_nothing,
    }


def verdict_word(verdict: Verdict) -> str:
    """yes, no or abstains."""
    return "abstains" if verdict.abstains else ("no", "yes")[verdict.answers[0]]


def _write_rows(path: Path, columns: Sequence[str], rows: Iterable[list[Any]]) -> int:
    count = 0
    with new_file(path) as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        for row in rows:
            writer.writerow(row)
            count += 1
    return count


def _row(one: Prediction, notes: Iterable[str]) -> list[Any]:
    label = "" if one.label is None else one.label
    return [
        *(one.task_id, one.record_id, one.subject_id, label),
        *(repr(one.logit), repr(one.probability), len(one.clip_logits)),
        one.model_id,
        " ".join(notes),
    ]


def _calibrated(answer: Answer) -> list[Any]:
    found = answer.calibrated
    numbers = ("", "", "") if found is None else (found.probability, found.low, found.high)
    return [*numbers, "" if answer.verdict is None else verdict_word(answer.verdict)]


def write_predictions_json(
    path: Path, predictions: Iterable[Prediction | Answer], refused: Sequence[Refusal]
) -> int:
    """As `write_predictions`, as one JSON object that holds the refused recordings as well.

    Args:
        refused: read after the last prediction, so it may grow while they come.
    """
    with new_file(path) as file:
        return dump_predictions(file, predictions, refused)


def dump_predictions(
    file: TextIO, predictions: Iterable[Prediction | Answer], refused: Sequence[Refusal]
) -> int:
    """Write the JSON object of `write_predictions_json` to an open file.

    Returns:
        The number of predictions.
    """
    file.write(f'{{\n  "notice": {json.dumps(DISCLAIMER)},\n  "predictions": ')
    count = _list(file, map(entries, predictions))
    file.write(',\n  "refused": ')
    _list(file, map(asdict, refused))
    file.write("\n}\n")
    return count


def _list(file: TextIO, items: Iterable[dict]) -> int:
    count = 0
    for item in items:
        file.write(",\n" if count else "[\n")
        file.write(indent(json.dumps(item, indent=2, allow_nan=False), "    "))
        count += 1
    file.write("\n  ]" if count else "[]")
    return count


@contextmanager
def new_file(path: Path) -> Iterator[TextIO]:
    """A text file to write; it appears under its name when all is there."""
    new = path.with_name(path.name + ".new")
    try:
        with new.open("w", newline="", encoding="utf-8") as file:
            yield file
        os.replace(new, path)
    except BaseException:  # half the answers are no result, and they are about people
        new.unlink(missing_ok=True)
        raise
