"""What a finished model needs to explain its answers, kept beside its weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from safetensors.torch import load_file

from respllm.batching import ExampleSet, Heard
from respllm.evaluation import ScoredClip
from respllm.models import Checkpoint, predict_logits
from respllm.models.calibration_file import fit_task_calibrations
from respllm.models.checkpoint import CONFIG, WEIGHTS, load_trained_state
from respllm.models.familiar import MOST_CLIPS, fit_familiar, summaries
from respllm.models.reference import Reference
from respllm.training.data import TrainingData

READ_AT_ONCE = 256
"""Clips whose tokens are in memory at once."""


def keep_answer_parts(folder: Path, checkpoint: Checkpoint, data: TrainingData) -> None:
    """Write `calibration.json` and `reference.safetensors` into the folder of the best model.

    The calibration is fitted on validation people who are in no training part (under `paper` some
    are in both); the neutral sound and its Gaussian on training people.

    Args:
        folder: of the best model.
        checkpoint: of the model that was trained; it gets the best weights.
    """
    state = load_file(folder / WEIGHTS)
    load_trained_state(checkpoint.model, state, where=str(folder / WEIGHTS))
    sha256 = json.loads((folder / CONFIG).read_text(encoding="utf-8"))["weights_sha256"]
    trained = {example.clip.record.subject_id for example in data.train.examples}
    held_out = data.validation.where(lambda e: e.clip.record.subject_id not in trained)
    examples = ExampleSet(held_out.examples, held_out.tokens, checkpoint.tokenizer)
    logits = predict_logits(checkpoint.model, examples) if len(examples) else np.zeros(0)
    scored = [
        ScoredClip.of(example, logit)
        for example, logit in zip(held_out.examples, logits, strict=True)
        if example.label is not None
    ]
    fit_task_calibrations(scored, [task.id for task in data.train_tasks]).save(folder, sha256)
    _reference(data.train, held_out).save(folder, sha256)


def _reference(train: Heard, held_out: Heard) -> Reference:
    rows = _each_clip_once(train)
    rows = [rows[i] for i in np.unique(np.linspace(0, len(rows) - 1, MOST_CLIPS).astype(int))]
    total = np.zeros(train.tokens(rows[:1]).shape[1:])
    training = []
    for part in _parts(rows):
        tokens = train.tokens(part)
        total += tokens.sum(0, dtype=np.float64)
        training.append(summaries(tokens))
    new = _each_clip_once(held_out)
    validation = [summaries(held_out.tokens(part)) for part in _parts(new)]
    records = [held_out.examples[i].clip.record for i in new]
    familiar = None
    if validation:
        familiar = fit_familiar(
            np.concatenate(training),
            np.concatenate(validation),
            [record.record_id for record in records],
            [record.subject_id for record in records],
        )
    return Reference((total / len(rows)).astype(np.float32), familiar)


def _each_clip_once(heard: Heard) -> list[int]:
    """Several tasks may ask about one clip."""
    first: dict[str, int] = {}
    for row, example in enumerate(heard.examples):
        first.setdefault(example.clip.clip_id, row)
    return list(first.values())


def _parts(rows: list[int]) -> list[list[int]]:
    return [rows[start : start + READ_AT_ONCE] for start in range(0, len(rows), READ_AT_ONCE)]
