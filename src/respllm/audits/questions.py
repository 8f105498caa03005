"""Does the question matter? Another one is asked of the same recordings.

A model that reads its question gives the other answers when the words for 1 and 0 change places
(AUROC 1 - a), and loses its AUROC when it is asked something else. Where the scores stay as they
are, an AUROC on a condition it never learned is that of a fixed score, and "zero-shot" is empty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.stats import spearmanr

from respllm.audits.asking import Answered, Listener, logits_with
from respllm.audits.results import Finding, QuestionEffect, Verdict
from respllm.audits.wording import interval, number
from respllm.evaluation.units import scored_units
from respllm.prompts import task_prompt
from respllm.tasks import Task

UNMOVED = 0.95
"""Rank correlation above which scores are called unmoved, if the AUROC is, too."""


@dataclass(frozen=True, slots=True)
class _Words:
    """A task's instruction with other words."""

    dataset_description: str
    question: str
    sound: str
    word_for_1: str
    word_for_0: str


def unrelated_prompt(task: Task) -> str:
    """The task's instruction, asking for something that no sound can tell."""
    return task_prompt(
        _Words(
            dataset_description=task.dataset_description,
            question="whether the recording was made on a weekday",
            sound=task.sound,
            word_for_1="weekday",
            word_for_0="weekend",
        )
    )


def negated_prompt(task: Task) -> str:
    """The task's instruction with the words for 1 and 0 exchanged; the question stays."""
    return task_prompt(
        _Words(
            dataset_description=task.dataset_description,
            question=task.question,
            sound=task.sound,
            word_for_1=task.word_for_0,
            word_for_0=task.word_for_1,
        )
    )


def other_task(task: Task, tasks: Sequence[Task]) -> Task | None:
    """The task whose question is asked instead: another condition, as near as there is one.

    First of all in the same dataset and sound, then in the same dataset, then any; of equals the
    first. None if all tasks ask about one condition.
    """
    others = [t for t in tasks if t.condition_name.lower() != task.condition_name.lower()]
    return min(
        others,
        key=lambda t: (
            t.dataset_name != task.dataset_name,
            t.sound_type != task.sound_type,
        ),
        default=None,
    )


def questions(
    one: Answered, listener: Listener, tasks: Sequence[Task]
) -> tuple[list[QuestionEffect], list[Finding]]:
    """Ask a task's recordings its own question, another task's, an unrelated and the negated one.

    Args:
        tasks: whose questions may be borrowed.
    """
    task = one.task
    if len(one.subjects) < 2:
        text = f"{task.id}: fewer than two people were heard, so no question can be compared."
        return [], [Finding("question", task.id, "not checked", text)]
    prompts = {"its own": task_prompt(task)}
    other = other_task(task, tasks)
    if other is not None:
        prompts[f"of {other.id}"] = task_prompt(other)
    prompts |= {"unrelated": unrelated_prompt(task), "negated": negated_prompt(task)}
    rows = [_effect(one, listener, name, prompt) for name, prompt in prompts.items()]
    return rows, _findings(one, rows)


def _effect(one: Answered, listener: Listener, name: str, prompt: str) -> QuestionEffect:
    logits = logits_with(one, listener, lambda at, own: replace(own, prompt=prompt))
    value, loss = one.compare([logits])
    own, asked = (
        scored_units([[clips]], one.unit).mean_scores for clips in (one.clips, one.scored(logits))
    )
    return QuestionEffect(one.task.id, name, prompt, value, _correlation(own, asked), loss)


def _correlation(first: np.ndarray, second: np.ndarray) -> float | None:
    """Spearman's; None where one of the two does not vary or is not finite."""
    if len(first) < 3 or not (np.isfinite(first).all() and np.isfinite(second).all()):
        return None
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    return float(spearmanr(first, second).statistic)


def _unmoved(row: QuestionEffect) -> bool:
    loss = row.loss
    return (
        row.correlation is not None
        and row.correlation > UNMOVED
        and loss.low is not None
        and loss.high is not None
        and loss.low <= 0 <= loss.high
    )


def _findings(one: Answered, rows: list[QuestionEffect]) -> list[Finding]:
    task_id = one.task.id
    own, *others, negated = rows
    serious: Verdict = "note" if one.trained else "problem"
    found = []
    for row in others:
        asked = (
            "an unrelated question"
            if row.question == "unrelated"
            else f"{row.question.removeprefix('of ')}'s question"
        )
        loss = row.loss
        if row.correlation is None or loss.value is None:
            why = loss.note or "the scores do not vary"
            text = f"{task_id}: the effect of {asked} is undefined: {why}."
            found.append(Finding("question", task_id, "not checked", text))
        elif _unmoved(row):
            meaning = (
                "the answer does not depend on the question"
                if one.trained
                else "zero-shot on this condition is empty, as the answer does not depend on the "
                "question"
            )
            text = (
                f"{task_id}: asking {asked} instead changes nothing: AUROC {number(row.auroc)} "
                f"against {number(own.auroc)}, rank correlation {number(row.correlation)}; "
                f"{meaning}."
            )
            found.append(Finding("question", task_id, serious, text))
        else:
            text = (
                f"{task_id}: asking {asked} instead gives AUROC {number(row.auroc)} against "
                f"{number(own.auroc)}, a loss of {interval(loss.value, loss.low, loss.high)}, "
                f"rank correlation {number(row.correlation)}."
            )
            found.append(Finding("question", task_id, "fine", text))
    return [*found, _negation(task_id, own, negated, serious)]


def _negation(task_id: str, own: QuestionEffect, row: QuestionEffect, serious: Verdict) -> Finding:
    if row.correlation is None or row.auroc is None or own.auroc is None:
        why = row.loss.note or "the scores do not vary"
        text = f"{task_id}: the effect of the negated question is undefined: {why}."
        return Finding("question", task_id, "not checked", text)
    told = (
        f"with the words for 1 and 0 exchanged the AUROC is {row.auroc:.2f} "
        f"({1 - own.auroc:.2f} if they were understood), rank correlation {row.correlation:.2f}"
    )
    if row.correlation > 0:
        text = f"{task_id}: the answer does not follow the negation: {told}."
        return Finding("question", task_id, serious, text)
    return Finding("question", task_id, "fine", f"{task_id}: the answer turns: {told}.")
