"""What is written is read back exactly; anything else is refused."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from respllm.audits import read_audit, write_audit
from respllm.audits.results import (
    AuditResult,
    Finding,
    InputEffect,
    Leak,
    MatchedScore,
    QuestionEffect,
    Shortcut,
    SubgroupScore,
)
from respllm.errors import DataError
from respllm.evaluation.differences import Difference
from respllm.types import Score

SCORE = Score("auroc", 1 / 3, 0.1, 0.9, 10, 9, 4, 5, "subject", "a method", "a note")
UNDEFINED = Score("auroc", None, None, None, 1, 1, 1, 0, "clip", "a method", "only positives")
LOSS = Difference(0.1 + 0.2, -0.1, 0.7, 0.04, -0.2, 0.8, 9, "one", "two")
NO_LOSS = Difference(None, None, None, None, None, None, 1, "one", "two", "one class")

RESULT = AuditResult(
    run="läuft",
    protocol="clean",
    simulated=True,
    model_id="respllm-0",
    findings=(Finding("leaks", "", "problem", "A sentence."),),
    inputs=(
        InputEffect("T6", "audio", "swapped", 0.5, LOSS),
        InputEffect("T6", "age", "removed", None, NO_LOSS),
    ),
    questions=(QuestionEffect("T6", "of T5", "words", None, None, NO_LOSS),),
    matched=(MatchedScore("T6", ("age", "sex"), 3, SCORE, UNDEFINED),),
    subgroups=(SubgroupScore("T6", "sex", "Male", SCORE, True, False),),
    shortcuts=(Shortcut("T6", "device", "provenance", SCORE, 0.001, None, True),),
    leaks=(Leak("identical audio", ("S7",), ("train", "test"), 1, ("a = b",)),),
)


def test_the_round_trip_is_exact(tmp_path: Path) -> None:
    path = tmp_path / "new" / "audit.json"
    write_audit(path, RESULT)
    assert read_audit(path) == RESULT
    assert not list(path.parent.glob("*.new"))


def changed(content: dict, change: str) -> object:
    match change:
        case "unknown entry":
            content["extra"] = 1
        case "unknown entry of a row":
            content["leaks"][0]["extra"] = 1
        case "missing entry":
            del content["leaks"]
        case "number as text":
            content["leaks"][0]["count"] = "1"
        case "unknown verdict":
            content["findings"][0]["verdict"] = "bad"
        case "a list":
            return [content]
    return content


@pytest.mark.parametrize(
    "change",
    [
        *("unknown entry", "unknown entry of a row", "missing entry", "number as text"),
        *("unknown verdict", "a list"),
    ],
)
def test_anything_else_is_refused(tmp_path: Path, change: str) -> None:
    path = tmp_path / "audit.json"
    write_audit(path, RESULT)
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(changed(content, change)))
    with pytest.raises(DataError, match="run `respllm audit` again"):
        read_audit(path)


def test_missing_and_damaged_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "audit.json"
    with pytest.raises(DataError, match="cannot be read"):
        read_audit(path)
    path.write_bytes(b"\xff{")
    with pytest.raises(DataError, match="cannot be read"):
        read_audit(path)
