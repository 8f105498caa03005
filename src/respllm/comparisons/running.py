"""Train one model of a study with one seed, and score the common validation and test people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console

from respllm.batching import ExampleSet, Heard
from respllm.comparisons.controls import fit_control, posterior_control, single_control
from respllm.comparisons.entries import BLIND, POSTERIOR, Entry
from respllm.comparisons.study import Study
from respllm.comparisons.transfers import sources_of
from respllm.config import RunConfig
from respllm.errors import DataError
from respllm.evaluation import ScoreRow
from respllm.inference.scoring import score_rows
from respllm.models import Checkpoint, default_device, predict_logits
from respllm.models.baselines import get_baseline
from respllm.tasks import Task
from respllm.training import RunFolder, train
from respllm.training.baseline import fit_baseline
from respllm.training.loop import TrainingDivergedError
from respllm.types import Split

Answerer = Callable[[Heard, Task], np.ndarray | None]
"""Log-odds of examples of one task, (n,); None if the model cannot answer it."""


def run_entry(entry: Entry, study: Study, seed: int, console: Console | None = None) -> None:
    """Train a model (or the models of all tasks) and keep its scores.

    A task that a task-specific model cannot learn is left out, with the reason.

    Raises:
        RespllmError: the model cannot be built or trained; nothing of it is kept.
    """
    data = study.data
    rows: list[ScoreRow] = []
    left_out: dict[str, str] = {}
    if entry.scope == "joint":
        source = "+".join(task.id for task in data.trained)
        answer = _joint(entry, study, seed, console)
        rows += _scores(answer, study, source, data.tasks, data.trained)
    else:
        for task in data.trained:
            try:
                answer = _of_one_task(entry, study, seed, task, console)
            except (DataError, TrainingDivergedError) as error:
                # What one task cannot give must not take the other tasks' scores along.
                left_out[task.id] = error.what
                continue
            asked = [one for one in data.tasks if task.id in sources_of(one, data.trained)]
            rows += _scores(answer, study, task.id, asked, [task])
    study.keep(entry, seed, rows, left_out)


def _scores(
    answer: Answerer,
    study: Study,
    source: str,
    asked: Sequence[Task],
    learned: Sequence[Task],
) -> list[ScoreRow]:
    """What a model says of the test parts of `asked` and the validation parts of `learned`."""
    rows: list[ScoreRow] = []
    parts: tuple[tuple[Split, Heard, Sequence[Task]], ...] = (
        ("test", study.data.test, asked),
        ("validation", study.data.validation, learned),
    )
    for part, everything, tasks in parts:
        for task in tasks:
            heard = _of_task(everything, task)
            logits = answer(heard, task) if heard.examples else None
            if logits is not None:
                person = study.person_of(task)
                rows += [
                    replace(
                        row, scored=replace(row.scored, subject_id=person(row.scored.subject_id))
                    )
                    for row in score_rows(source, part, heard.examples, logits.tolist())
                ]
    return rows


def _of_task(heard: Heard, task: Task) -> Heard:
    return heard.where(lambda example: example.task_id == task.id)


def _joint(entry: Entry, study: Study, seed: int, console: Console | None) -> Answerer:
    if entry.name == POSTERIOR:
        return posterior_control(study)
    if entry.kind == "tabular":
        return single_control(entry, study)
    if entry.kind == "run":
        folder = study.place(entry, seed) / "run"
        return _run(entry.config(study.config), study, folder, seed, console)
    return _baseline(entry, study, seed, None)


def _of_one_task(
    entry: Entry, study: Study, seed: int, task: Task, console: Console | None
) -> Answerer:
    if entry.kind == "run":
        config = entry.config(study.config)
        # A run file may name a task by its file: the names stand in the order of the tasks.
        name = config.tasks.learned[study.data.trained.index(task)]
        tasks = config.tasks.model_copy(update={"learn": (name,)})
        config = config.model_copy(update={"tasks": tasks})
        return _run(config, study, study.place(entry, seed) / f"run-{task.id}", seed, console)
    if entry.kind == "tabular":
        return fit_control(entry, study, seed, task)
    return _baseline(entry, study, seed, task)


def _run(
    config: RunConfig, study: Study, folder: Path, seed: int, console: Console | None
) -> Answerer:
    """A run folder, begun, gone on with, or found finished."""
    config = config.model_copy(update={"seed": seed})
    run = RunFolder(folder)
    started = run.record.is_file()
    study.forget_embedder()
    if not (started and run.read_record()["finished"]):
        train(
            config,
            study.data_root,
            folder,
            task_folder=study.task_folder,
            resume=started,
            console=console,
        )
    checkpoint = Checkpoint.from_pretrained(folder, default_device())

    def answer(heard: Heard, task: Task) -> np.ndarray:
        examples = ExampleSet(heard.examples, heard.tokens, checkpoint.tokenizer)
        return predict_logits(checkpoint.model, examples)

    return answer


def _baseline(entry: Entry, study: Study, seed: int, task: Task | None) -> Answerer:
    """A baseline of one task, or of all."""
    data, settings = study.data, study.config.baselines
    train_part = data.train if task is None else _of_task(data.train, task)
    validation = data.validation if task is None else _of_task(data.validation, task)
    name = entry.name.removesuffix(BLIND)
    fitted = fit_baseline(
        name,
        train_part,
        validation,
        settings,
        seed,
        encoder=data.encoder,
        embedder=study.embedder() if get_baseline(name).dms == "soft" else None,
        # What is asked decides the output: T1 is read from the one that S1 to S4 share.
        conditions={t.id: t.question for t in data.trained},
        protocol=study.protocol,
        blind=name != entry.name,
    )

    def answer(heard: Heard, asked: Task) -> np.ndarray | None:
        if task is not None:  # one output, that of its own question
            return fitted.logits(heard, task.question)
        return fitted.logits(heard, asked.question) if fitted.answers(asked.question) else None

    return answer
