"""Probe an encoder on every task at hand, beside what knows nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from respllm.encoders import ENCODERS, AudioEncoder, load_encoder
from respllm.encoders.architectures import ARCHITECTURES
from respllm.encoders.htsat_checkpoint import DESCRIPTION, WEIGHTS, describe
from respllm.encoders.pretrained import PretrainedHtsat
from respllm.errors import ConfigError, unknown_name
from respllm.evaluation import mean_auroc
from respllm.inference.looks import LOOKS
from respllm.pretraining.probing.curve import learning_curve
from respllm.pretraining.probing.features import log_mel_statistics, token_statistics
from respllm.pretraining.probing.looking import written_down
from respllm.pretraining.probing.nested import FEWEST, FOLDS, Answer, transferred
from respllm.pretraining.probing.questions import Question, questions
from respllm.pretraining.probing.results import (
    LOG_MEL,
    MEL_PATCH,
    TREES,
    UNTRAINED,
    ProbeResult,
    ProbeRow,
)
from respllm.pretraining.probing.scoring import units_of, versus
from respllm.pretraining.probing.trees import by_trees
from respllm.tasks import Task
from respllm.tasks.learned import Learned
from respllm.types import Example

SEEDS = 3

Features = Callable[[Sequence[Example]], np.ndarray]


@dataclass(frozen=True, slots=True)
class _Column:
    """What is compared: what it hears of examples, and what learns from that."""

    name: str
    features: Features
    answer: Answer = transferred


def open_encoder(name: str) -> AudioEncoder:
    """An encoder by registry name, or from the folder that `respllm pretrain audio` wrote.

    Raises:
        ConfigError: neither.
        CheckpointError: its weights cannot be read.
    """
    if name in ENCODERS:
        return load_encoder(name)
    folder = encoder_folder(name)
    if folder is not None:
        return load_encoder(describe(folder).architecture.name, folder)
    raise ConfigError(
        unknown_name("encoder", name, ENCODERS),
        where="ENCODER",
        expected=f"one of these, or a folder with {DESCRIPTION}",
        next_step="give the folder of a `respllm pretrain audio`",
    )


def encoder_folder(name: str) -> Path | None:
    """The folder with the weights that `open_encoder` opens; None: no folder, perhaps a name."""
    path = Path(name)
    for folder in (path, path / "encoder", *([path.parent] if path.name == WEIGHTS else [])):
        if name not in ENCODERS and (folder / DESCRIPTION).is_file():
            return folder
    return None


def _heard(encoder: AudioEncoder) -> Learned | None:
    """Whom its weights have heard; None: that is not known."""
    if encoder.heard is not None:
        return Learned.read(encoder.heard)
    return None if encoder.has_weights else Learned(frozenset(), frozenset())


def probe(
    encoder: AudioEncoder,
    data_root: Path,
    *,
    tasks: Sequence[str] = (),
    own: Sequence[Task] = (),
    final: bool = False,
    seeds: int = SEEDS,
    people: Sequence[int] = (),
    out: Path = Path(),
    progress: Callable[[int, int], None] | None = None,
) -> ProbeResult:
    """Linear probes of an encoder and of what it is compared with, all on the same folds.

    Args:
        encoder: from `open_encoder`.
        data_root: holds one folder per dataset.
        tasks: ids of the questions to ask; none asks all.
        own: further tasks, from task files.
        final: ask about people held out for the end too; choose nothing afterwards.
        seeds: divisions into folds that are averaged.
        people: numbers of labelled people to learn from, for a learning curve of each question
            that cross-validates people.
        out: folder in which looks at people held out for the end are written down (looks.jsonl).
        progress: called with (clips done, clips in all), for each encoder and question.

    Raises:
        ConfigError: an unknown question; fewer people than a penalty can be chosen with.
        DataError: a dataset is not as published.
    """
    if people and min(people) < FEWEST:
        raise ConfigError(
            f"{min(people)} labelled people are too few to choose a penalty with",
            where="--people",
            expected=f"{FEWEST} or more",
        )
    asked = list(questions(data_root, own, final))
    known = {question.id for question in asked}
    for name in tasks:
        if name not in known:
            raise ConfigError(
                unknown_name("question", name, sorted(known)),
                next_step="questions about people held out for the end need --final"
                if not final
                else "check the data root",
            )
    chosen = [question for question in asked if not tasks or question.id in tasks]
    columns, learned = _columns(encoder, progress), _heard(encoder)
    rows = []
    for question in chosen:
        ask = partial(_row, question, columns, seeds, people, learned)
        rows.append(written_down(out, encoder.identity, ask) if question.final else ask())
    looked = any(row.final and row.score is not None for row in rows)
    return ProbeResult(
        encoder.identity,
        tuple(rows),
        seeds,
        tuple(sorted(set(people))),
        out / LOOKS if looked else None,
    )


def _columns(
    encoder: AudioEncoder, progress: Callable[[int, int], None] | None
) -> tuple[_Column, ...]:
    """The probed encoder, then `BASELINES`."""
    mel_patch = load_encoder("mel-patch")
    size = encoder.name if encoder.name in ARCHITECTURES else "htsat"
    untrained = PretrainedHtsat.untrained(size)

    def of(own: AudioEncoder) -> Features:
        return lambda examples: token_statistics([e.clip for e in examples], own, progress=progress)

    def log_mel(examples: Sequence[Example]) -> np.ndarray:
        return log_mel_statistics([e.clip for e in examples], mel_patch)

    return (
        _Column(encoder.identity, of(encoder)),
        _Column(LOG_MEL, log_mel),
        _Column(TREES, log_mel, by_trees),
        _Column(MEL_PATCH, of(mel_patch)),
        _Column(UNTRAINED, of(untrained)),
    )


def _row(
    question: Question,
    columns: tuple[_Column, ...],
    seeds: int,
    people: Sequence[int],
    learned: Learned | None,
) -> ProbeRow:
    asked = question.train if question.test is None else question.test
    heard = None if learned is None else len(learned.among(asked))
    row = ProbeRow(question.id, question.title, question.final, None, (), 0, heard)
    problem = _too_few(question)
    if problem:
        return replace(row, note=problem)
    both = (*question.train, *(question.test or ()))
    made = {make: make(both) for make in dict.fromkeys(column.features for column in columns)}
    usable = np.all([np.isfinite(rows).all(axis=1) for rows in made.values()], axis=0)
    question = _heard_of(question, usable)
    problem = _too_few(question)
    if problem:
        return replace(row, note=f"{problem} can be heard", skipped=int((~usable).sum()))
    features = {column.name: made[column.features][usable] for column in columns}
    own, *others = (
        units_of(question, features[column.name], seeds, column.answer) for column in columns
    )
    name, *baselines = features
    return replace(
        row,
        score=mean_auroc(own),
        versus=tuple(versus(b, own, other) for b, other in zip(baselines, others, strict=True)),
        skipped=int((~usable).sum()),
        curve=learning_curve(question, features[name], features[LOG_MEL], seeds, people),
    )


def _heard_of(question: Question, usable: np.ndarray) -> Question:
    """A question about the examples that can be used."""
    count = len(question.train)
    train = tuple(e for e, used in zip(question.train, usable[:count], strict=True) if used)
    if question.test is None:
        return replace(question, train=train)
    test = tuple(e for e, used in zip(question.test, usable[count:], strict=True) if used)
    return replace(question, train=train, test=test)


def _too_few(question: Question) -> str:
    for examples, least in ((question.train, FOLDS), (question.test, 2)):
        for label in (0, 1) if examples is not None else ():
            people = {e.clip.record.subject_id for e in examples or () if e.label == label}
            if len(people) < least:
                return f"only {len(people)} people of answer {label}"
    return "" if question.train else "nothing is labelled"
