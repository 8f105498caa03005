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
from typing import TYPE_CHECKING, TextIO

from respllm.evaluation import DISCLAIMER
from respllm.types import Prediction

if TYPE_CHECKING:
    from respllm.inference.predictor import Refusal

COLUMNS = ("task", "record", "subject", "label", "logit", "probability", "clips", "model", "notes")


def write_predictions(path: Path, predictions: Iterable[Prediction]) -> int:
    """Write predictions as CSV, one line each as they come; the file appears when all are there.

    Returns:
        The number written.
    """
    count = 0
    with new_file(path) as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for one in predictions:
            label = "" if one.label is None else one.label
            writer.writerow(
                [
                    *(one.task_id, one.record_id, one.subject_id, label),
                    *(repr(one.logit), repr(one.probability), len(one.clip_logits)),
                    one.model_id,
                    " ".join(one.notes),
                ]
            )
            count += 1
    return count


def write_predictions_json(
    path: Path, predictions: Iterable[Prediction], refused: Sequence[Refusal]
) -> int:
    """As `write_predictions`, as one JSON object that holds the refused recordings as well.

    Args:
        refused: read after the last prediction, so it may grow while they come.
    """
    with new_file(path) as file:
        return dump_predictions(file, predictions, refused)


def dump_predictions(
    file: TextIO, predictions: Iterable[Prediction], refused: Sequence[Refusal]
) -> int:
    """Write the JSON object of `write_predictions_json` to an open file.

    Returns:
        The number of predictions.
    """
    file.write(f'{{\n  "notice": {json.dumps(DISCLAIMER)},\n  "predictions": ')
    count = _list(file, map(asdict, predictions))
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
