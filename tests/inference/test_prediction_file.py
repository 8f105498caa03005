"""Predictions are written as they come, and the file appears when all are there."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest

from respllm.errors import DataError
from respllm.inference import Refusal
from respllm.inference.prediction_file import write_predictions, write_predictions_json
from respllm.types import Prediction

FIRST = Prediction("T1", "r1", "p1", 0.1 + 0.2, 0.57, 1, "m", (0.1, 0.5), True, ("a", "b\nc"))
SECOND = Prediction("T1", "ü", "p2", -1.0, 0.27, None, "m")


def test_every_digit_is_kept_in_a_csv(tmp_path: Path) -> None:
    assert write_predictions(tmp_path / "a.csv", iter([FIRST, SECOND])) == 2
    with (tmp_path / "a.csv").open(encoding="utf-8", newline="") as file:
        first, second = csv.DictReader(file)
    assert float(first["logit"]) == FIRST.logit
    assert (first["label"], second["label"]) == ("1", "")
    assert (first["clips"], first["notes"]) == ("2", "a b\nc")


@pytest.mark.parametrize("answers", [[], [FIRST], [FIRST, SECOND]])
def test_json_written_piece_by_piece_is_as_if_written_at_once(
    tmp_path: Path, answers: list[Prediction]
) -> None:
    refused: list[Refusal] = []

    def come() -> Iterator[Prediction]:
        yield from answers
        refused.append(Refusal("r3", "silent"))

    path = tmp_path / "a.json"
    assert write_predictions_json(path, come(), refused) == len(answers)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["predictions"] == json.loads(json.dumps([asdict(one) for one in answers]))
    assert content["refused"] == [{"record_id": "r3", "reason": "silent"}]
    assert path.read_text(encoding="utf-8") == json.dumps(content, indent=2) + "\n"


@pytest.mark.parametrize("name", ["a.csv", "a.json"])
def test_each_answer_is_written_before_the_next_is_asked_for(tmp_path: Path, name: str) -> None:
    sizes: list[int] = []

    def come() -> Iterator[Prediction]:
        for _ in range(3):
            yield from [FIRST] * 200
            assert not (tmp_path / name).exists()
            sizes.append((tmp_path / f"{name}.new").stat().st_size)

    if name == "a.csv":
        write_predictions(tmp_path / name, come())
    else:
        write_predictions_json(tmp_path / name, come(), [])
    assert 0 < sizes[0] < sizes[1] < sizes[2]
    assert (tmp_path / name).exists()


@pytest.mark.parametrize("name", ["a.csv", "a.json"])
def test_a_failure_leaves_neither_a_result_nor_half_of_one(tmp_path: Path, name: str) -> None:
    def answers() -> Iterator[Prediction]:
        yield FIRST
        raise DataError("row 2 of the table")

    path = tmp_path / name
    path.write_text("the result before")

    def write() -> int:
        if name.endswith(".csv"):
            return write_predictions(path, answers())
        return write_predictions_json(path, answers(), [])

    with pytest.raises(DataError):
        write()
    assert [file.name for file in tmp_path.iterdir()] == [name]
    assert path.read_text() == "the result before"
