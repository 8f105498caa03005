"""A model that reads its question is told from one that does not."""

from __future__ import annotations

import zlib

import pytest

from respllm.audits.questions import negated_prompt, other_task, questions, unrelated_prompt
from respllm.tasks import builtin_tasks, get_task
from tests.audits.making import Someone, asked_about, crowd

TASKS = list(builtin_tasks().values())


def deaf(prompt: str, text: str, sound: float) -> float:
    return sound


def understanding(prompt: str, text: str, sound: float) -> float:
    """Follows the words for 1 and 0, and answers at random what is no asthma."""
    if "0 for asthma" in prompt:
        return -sound
    if "1 for asthma" in prompt:
        return sound
    return zlib.crc32(f"{prompt}{sound}".encode()) / 2**32


def test_the_words_of_the_questions() -> None:
    task = get_task("T6")
    assert negated_prompt(task).endswith("output 1 for healthy, and 0 for asthma.")
    assert "whether the recording was made on a weekday" in unrelated_prompt(task)
    assert "asthma" not in unrelated_prompt(task)


@pytest.mark.parametrize(
    ("task", "other"), [("T6", "T5"), ("T5", "T6"), ("S3", "S5"), ("S6", "S4")]
)
def test_the_nearest_other_condition_is_asked(task: str, other: str) -> None:
    found = other_task(get_task(task), TASKS)
    assert found is not None
    assert found.id == other


def test_a_condition_alone_has_no_other_question() -> None:
    assert other_task(get_task("T6"), [get_task("T6")]) is None
    one, listener, _ = asked_about(crowd(40), deaf)
    rows, _ = questions(one, listener, [get_task("T6")])
    assert [row.question for row in rows] == ["its own", "unrelated", "negated"]


def test_zero_shot_is_empty_where_the_scores_do_not_move() -> None:
    one, listener, _ = asked_about(crowd(80), deaf)
    rows, findings = questions(one, listener, TASKS)
    assert [row.question for row in rows] == ["its own", "of T5", "unrelated", "negated"]
    assert all(row.correlation == pytest.approx(1) for row in rows)
    assert all(row.loss.value == 0 for row in rows)
    assert [finding.verdict for finding in findings] == ["problem"] * 3
    assert findings[0].text.startswith("T6: asking T5's question instead changes nothing: AUROC")
    assert "zero-shot on this condition is empty" in findings[0].text
    assert "does not follow the negation" in findings[2].text
    one, listener, _ = asked_about(crowd(80), deaf, trained=True)
    assert {f.verdict for f in questions(one, listener, TASKS)[1]} == {"note"}


def test_a_model_that_understands_moves_and_turns() -> None:
    one, listener, _ = asked_about(crowd(120), understanding)
    rows, findings = questions(one, listener, TASKS)
    own, other, unrelated, negated = rows
    assert own.auroc is not None
    assert own.auroc > 0.75
    assert negated.auroc == pytest.approx(1 - own.auroc)
    assert negated.correlation == pytest.approx(-1)
    for row in (other, unrelated):
        assert abs(row.correlation or 1) < 0.3
        assert row.loss.low is not None
        assert row.loss.low > 0
    assert [finding.verdict for finding in findings] == ["fine"] * 3
    assert "the answer turns" in findings[2].text


def test_scores_that_do_not_vary_are_not_judged() -> None:
    one, listener, _ = asked_about(crowd(40), lambda *_: 0.0)
    rows, findings = questions(one, listener, TASKS)
    assert all(row.correlation is None for row in rows)
    assert {finding.verdict for finding in findings} == {"not checked"}
    one, listener, _ = asked_about([Someone("p", 1)], deaf)
    rows, findings = questions(one, listener, TASKS)
    assert rows == []
    assert findings[0].verdict == "not checked"


def test_scores_that_are_no_numbers_are_not_judged() -> None:
    one, listener, _ = asked_about(crowd(40), lambda *_: float("nan"))
    rows, findings = questions(one, listener, TASKS)
    assert all(row.auroc is None and row.loss.value is None for row in rows)
    assert {finding.verdict for finding in findings} == {"not checked"}
