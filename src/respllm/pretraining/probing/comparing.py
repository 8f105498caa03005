"""Probe an encoder on every task at hand, beside what knows nothing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from respllm.batching import balanced_weights
from respllm.encoders import ENCODERS, AudioEncoder, load_encoder
from respllm.encoders.architectures import ARCHITECTURES
from respllm.encoders.htsat_checkpoint import DESCRIPTION, LEARNED, WEIGHTS, describe
from respllm.encoders.pretrained import SHIPPED, PretrainedHtsat
from respllm.errors import ConfigError, unknown_name
from respllm.evaluation import ScoredClip, ScoredUnits, mean_auroc, paired_difference, scored_units
from respllm.pretraining.probing.features import log_mel_statistics, token_statistics
from respllm.pretraining.probing.nested import FOLDS, cross_validated, transferred
from respllm.pretraining.probing.questions import Question, questions
from respllm.tasks import Task
from respllm.tasks.learned import Learned
from respllm.types import Example, Score

LOG_MEL, MEL_PATCH, UNTRAINED = "log-mel statistics", "mel-patch", "untrained HTS-AT"
BASELINES = (LOG_MEL, MEL_PATCH, UNTRAINED)
SEEDS = 3

Features = Callable[[Sequence[Example]], np.ndarray]


@dataclass(frozen=True, slots=True)
class Versus:
    """The encoder's AUROC minus a baseline's on the same people.

    Attributes:
        baseline: its name.
        auroc: the baseline's.
        value, low, high: of the difference, with its paired 95% interval by subject.
        note: why there is none.
    """

    baseline: str
    auroc: Score
    value: float | None
    low: float | None
    high: float | None
    note: str


@dataclass(frozen=True, slots=True)
class ProbeRow:
    """One question.

    Attributes:
        id, title: see `Question`.
        final: whether it looked at people held out for the end.
        score: the encoder's AUROC; its seeds are divisions into folds.
        versus: each baseline.
        skipped: clips that could not be heard.
        heard: people or sounds of the asked that pretraining had heard; None: not known.
        note: why it was not asked.
    """

    id: str
    title: str
    final: bool
    score: Score | None
    versus: tuple[Versus, ...]
    skipped: int
    heard: int | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """All questions, and what was probed.

    Attributes:
        encoder: identity.
        rows: one per question.
        seeds: divisions into folds that were averaged.
    """

    encoder: str
    rows: tuple[ProbeRow, ...]
    seeds: int


def open_encoder(name: str) -> tuple[AudioEncoder, Learned | None]:
    """An encoder by registry name, or from the folder that `respllm pretrain audio` wrote.

    Returns:
        the encoder, and whom it heard; None where that is not written beside its weights.

    Raises:
        ConfigError: neither.
        CheckpointError: its weights cannot be read.
    """
    if name in ENCODERS:
        opened = load_encoder(name)
        nobody = Learned(frozenset(), frozenset())
        return opened, _heard(SHIPPED / name) if opened.has_weights else nobody
    path = Path(name)
    for folder in (path, path / "encoder", *([path.parent] if path.name == WEIGHTS else [])):
        if (folder / DESCRIPTION).is_file():
            return load_encoder(describe(folder).architecture.name, folder), _heard(folder)
    raise ConfigError(
        unknown_name("encoder", name, ENCODERS),
        where="ENCODER",
        expected=f"one of these, or a folder with {DESCRIPTION}",
        next_step="give the folder of a `respllm pretrain audio`",
    )


def _heard(folder: Path) -> Learned | None:
    path = folder / LEARNED
    return Learned.read(path) if path.is_file() else None


def probe(
    encoder: AudioEncoder,
    data_root: Path,
    *,
    tasks: Sequence[str] = (),
    own: Sequence[Task] = (),
    final: bool = False,
    seeds: int = SEEDS,
    learned: Learned | None = None,
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
        learned: whom the encoder heard; None: it is not known.
        progress: called with (clips done, clips in all), for each encoder and question.

    Raises:
        ConfigError: an unknown question.
        DataError: a dataset is not as published.
    """
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
    columns = _columns(encoder, progress)
    rows = tuple(_row(question, columns, seeds, learned) for question in chosen)
    return ProbeResult(encoder.identity, rows, seeds)


def _columns(
    encoder: AudioEncoder, progress: Callable[[int, int], None] | None
) -> dict[str, Features]:
    """What makes a feature matrix of examples: the probed encoder first."""
    mel_patch = load_encoder("mel-patch")
    size = encoder.name if encoder.name in ARCHITECTURES else "htsat"
    untrained = PretrainedHtsat.untrained(size)

    def of(own: AudioEncoder) -> Features:
        return lambda examples: token_statistics([e.clip for e in examples], own, progress=progress)

    return {
        encoder.identity: of(encoder),
        LOG_MEL: lambda examples: log_mel_statistics([e.clip for e in examples], mel_patch),
        MEL_PATCH: of(mel_patch),
        UNTRAINED: of(untrained),
    }


def _row(
    question: Question, columns: dict[str, Features], seeds: int, learned: Learned | None
) -> ProbeRow:
    asked = question.train if question.test is None else question.test
    heard = None if learned is None else len(learned.among(asked))
    row = ProbeRow(question.id, question.title, question.final, None, (), 0, heard)
    problem = _too_few(question)
    if problem:
        return replace(row, note=problem)
    both = (*question.train, *(question.test or ()))
    features = [make(both) for make in columns.values()]
    usable = np.all([np.isfinite(rows).all(axis=1) for rows in features], axis=0)
    problem = _too_few(_heard_of(question, usable))
    if problem:
        return replace(row, note=f"{problem} can be heard", skipped=int((~usable).sum()))
    units = [_units(question, rows, usable, seeds) for rows in features]
    versus = []
    for name, other in zip(BASELINES, units[1:], strict=True):
        gain = paired_difference(units[0], other, same_runs=True)
        versus.append(Versus(name, mean_auroc(other), gain.value, gain.low, gain.high, gain.note))
    return replace(
        row,
        score=mean_auroc(units[0]),
        versus=tuple(versus),
        skipped=int((~usable).sum()),
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


def _units(question: Question, rows: np.ndarray, usable: np.ndarray, seeds: int) -> ScoredUnits:
    count = len(question.train)
    train = [e for e, used in zip(question.train, usable[:count], strict=True) if used]
    known = rows[:count][usable[:count]]
    labels = np.array([e.label for e in train])
    people = np.array([e.clip.record.subject_id for e in train])
    weights = balanced_weights(train)
    runs: list[list[list[ScoredClip]]] = []
    if question.test is None:
        for seed in range(seeds):
            given = cross_validated(known, labels, people, weights, seed)
            runs.append([_scored(question.id, train, given)])
    else:
        test = [e for e, used in zip(question.test, usable[count:], strict=True) if used]
        others = rows[count:][usable[count:]]
        for seed in range(seeds):
            given = transferred(known, labels, people, weights, others, seed)
            runs.append([_scored(question.id, test, given)])
    return scored_units(runs)


def _scored(task_id: str, examples: Sequence[Example], given: np.ndarray) -> list[ScoredClip]:
    return [
        ScoredClip(
            task_id,
            example.clip.record.record_id,
            example.clip.record.subject_id,
            float(logit),
            int(example.label or 0),
        )
        for example, logit in zip(examples, given, strict=True)
    ]
