"""All audits of one trained model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from respllm.audits.asking import Answered, Listener, answered
from respllm.audits.data import audit_selections, selected
from respllm.audits.matching import matched
from respllm.audits.modalities import modalities
from respllm.audits.questions import questions
from respllm.audits.results import (
    AuditResult,
    Finding,
    InputEffect,
    MatchedScore,
    QuestionEffect,
    SubgroupScore,
)
from respllm.audits.shortcuts import record_scores
from respllm.audits.subgroups import subgroups, unstated
from respllm.audits.wording import counted, problems_first
from respllm.batching import hear
from respllm.encoders import AudioEncoder
from respllm.errors import ConfigError, SafetyError
from respllm.inference.evaluate import held_out
from respllm.models import Checkpoint
from respllm.simulation import is_simulated
from respllm.tasks import Learned, Task
from respllm.types import ProtocolName

Row = TypeVar("Row")


def audit(
    checkpoint: Checkpoint,
    encoder: AudioEncoder,
    tasks: Sequence[Task],
    trained: Sequence[Task],
    data_root: Path,
    *,
    run: str,
    protocol: ProtocolName,
    learned: Learned,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
) -> AuditResult:
    """Put all audits' questions to a model. Nothing is learned, and no data is changed.

    Args:
        checkpoint: the model.
        encoder: the audio encoder that it was trained with.
        tasks: whose test parts are used; those of `trained` on held-out people, others zero-shot.
        trained: whose training and validation parts the model learned from.
        data_root: holds one folder per dataset.
        run: name of the run.
        protocol: data choices.
        learned: whom the model learned from. Under "clean" they are left out of every test part.
        seed: of swaps, matching, folds and permutations.
        progress: called with (clips heard, clips in all).

    Raises:
        ConfigError: no task.
        DataError: a dataset is not there or not as published.
        SafetyError: a model trained on simulated recordings, real recordings.
    """
    if not tasks:
        raise ConfigError("There is no task to audit", next_step="name at least one task")
    selections = selected(tasks, trained, data_root, protocol)
    # Leaks are looked for before anybody is left out, what the model is asked after it.
    parts = {task.id: held_out(selections[task.id], learned).parts["test"] for task in tasks}
    examples = [example for task in tasks for example in parts[task.id]]
    simulated = [is_simulated(f) for f in {e.clip.record.audio_path.parent for e in examples}]
    if checkpoint.config.simulated and not all(simulated):
        raise SafetyError(
            "This model was trained on simulated recordings and some of these are real",
            next_step="audit it on simulated recordings, or train on real ones",
        )
    heard = hear(examples, encoder, progress=progress)
    listener = Listener(checkpoint, heard)
    findings: list[Finding] = []
    inputs: list[InputEffect] = []
    asked: list[QuestionEffect] = []
    matches: list[MatchedScore] = []
    groups: list[SubgroupScore] = []
    asked_about: list[Answered] = []
    scores: dict[str, dict[str, float]] = {}
    names = {task.id for task in trained}
    borrowed = list({task.id: task for task in (*tasks, *trained)}.values())
    for task in tasks:
        one = answered(task, listener, trained=task.id in names, protocol=protocol)
        missing = len(parts[task.id]) - len(one.examples)
        if missing:
            text = f"{task.id}: {counted(missing, 'test clip')} could not be heard."
            findings.append(Finding("modalities", task.id, "note", text))
        if not one.examples:
            text = f"{task.id}: no test recording could be heard, so nothing was asked."
            findings.append(Finding("modalities", task.id, "not checked", text))
            continue
        asked_about.append(one)
        scores[task.id] = record_scores(one.clips)
        findings += _kept(inputs, modalities(one, listener, seed))
        findings += _kept(asked, questions(one, listener, borrowed))
        findings += _kept(matches, matched(one, seed))
        findings += _kept(groups, subgroups(one))
    findings += unstated(asked_about)
    data = audit_selections(tasks, trained, selections, data_root, seed=seed, model_scores=scores)
    return AuditResult(
        run=run,
        protocol=protocol,
        simulated=any(simulated),
        model_id=checkpoint.model_id,
        findings=problems_first([*findings, *data.findings]),
        inputs=tuple(inputs),
        questions=tuple(asked),
        matched=tuple(matches),
        subgroups=tuple(groups),
        shortcuts=data.shortcuts,
        leaks=data.leaks,
    )


def _kept(rows: list[Row], found: tuple[list[Row], list[Finding]]) -> list[Finding]:
    """Put an audit's rows with those of the tasks before; its findings come back."""
    rows += found[0]
    return found[1]
