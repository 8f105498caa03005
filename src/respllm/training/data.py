"""What a run learns from and what it is judged by while it learns."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from respllm.batching import Heard, hear
from respllm.config import RunConfig
from respllm.encoders import AudioEncoder
from respllm.errors import DataError
from respllm.tasks import Selection, Task, get_task, select_together
from respllm.training.run_folder import RunFolder
from respllm.types import Example, Split


@dataclass(frozen=True, slots=True)
class TrainingData:
    """The examples of a run.

    Attributes:
        train_tasks, test_tasks: those that are learned from, and those that are only tested.
        selections: every task's examples, by task id.
        train, validation: examples with usable audio, all training tasks together.
    """

    train_tasks: tuple[Task, ...]
    test_tasks: tuple[Task, ...]
    selections: Mapping[str, Selection]
    train: Heard
    validation: Heard


def load_training_data(
    config: RunConfig,
    folder: Path,
    data_root: Path,
    encoder: AudioEncoder,
    *,
    strict: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> TrainingData:
    """Select and hear the training and validation parts of a run. No test recording is heard.

    Args:
        folder: of the run file; task files are named relative to it.
        data_root: holds one folder per dataset.
        progress: called with (clips done, clips in all).

    Raises:
        DataError: a task without examples, or without usable audio.
    """
    train_tasks = tuple(get_task(name, folder) for name in config.tasks.learned)
    test_tasks = tuple(get_task(name, folder) for name in config.tasks.not_learned)
    selections = run_selections(config, folder, data_root)
    train = _part(train_tasks, selections, "train")
    if config.limit_subjects is not None:
        train = _limited(train, config.limit_subjects, config.seed)
    validation = _part(train_tasks, selections, "validation")
    parts = [("train", example) for example in train]
    parts += [("validation", example) for example in validation]
    heard = hear([example for _, example in parts], encoder, strict=strict, progress=progress)
    in_train = {id(example) for example in train}
    data = TrainingData(
        train_tasks,
        test_tasks,
        selections,
        heard.where(lambda example: id(example) in in_train),
        heard.where(lambda example: id(example) not in in_train),
    )
    for task in train_tasks:
        if {e.label for e in data.train.examples if e.task_id == task.id} != {0, 1}:
            raise DataError(
                "No usable recordings of both answers are left for training",
                where=f"task {task.id}",
                next_step="run `respllm data verify` on the data root",
            )
    return data


def validation_examples(run: RunFolder, data_root: Path) -> list[Example]:
    """What a run was selected by: the validation parts of its training tasks.

    [] where the data is not what the run learned from: its validation people may then be others.
    """
    config, folder = run.read_config(), run.task_folder()
    selections = run_selections(config, folder, data_root)
    if split_hashes(selections) != run.read_record()["splits"]:
        return []
    return _part(
        [get_task(name, folder) for name in config.tasks.learned], selections, "validation"
    )


def run_selections(config: RunConfig, folder: Path, data_root: Path) -> dict[str, Selection]:
    """Every task of a run, with nobody learned from in one and tested in another.

    Args:
        folder: where relative paths of the run's task files start.
    """
    return select_together(
        [get_task(name, folder) for name in config.tasks.train],
        [get_task(name, folder) for name in config.tasks.test],
        data_root,
        config.protocol,
    )


def split_hashes(selections: Mapping[str, Selection]) -> dict[str, dict[str, str]]:
    """A fingerprint of who and what is in each part of each task, without naming anyone.

    It changes with recordings, parts, answers, and what is asked and told.
    """
    return {
        task_id: {
            split: hashlib.sha256("\n".join(sorted(map(_told, part))).encode()).hexdigest()[:16]
            for split, part in selection.parts.items()
        }
        for task_id, selection in selections.items()
    }


def _told(example: Example) -> str:
    return repr((example.clip.clip_id, example.label, example.prompt_text, example.dms_text))


def _part(
    tasks: Sequence[Task], selections: Mapping[str, Selection], split: Split
) -> list[Example]:
    return [example for task in tasks for example in selections[task.id].parts[split]]


def _limited(examples: Sequence[Example], subjects: int, seed: int) -> list[Example]:
    """The examples of at most so many people per task and answer's share, chosen by hash."""
    kept: set[tuple[str, str]] = set()
    for task_id in {example.task_id for example in examples}:
        own = [example for example in examples if example.task_id == task_id]
        people: dict[int, list[str]] = {0: [], 1: []}
        for label in people:
            names = {e.clip.record.subject_id for e in own if e.label == label}
            people[label] = sorted(
                names, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest()
            )
        total = sum(map(len, people.values()))
        for names_of_label in people.values():
            share = max(1, round(subjects * len(names_of_label) / total))
            kept.update((task_id, name) for name in names_of_label[:share])
    return [e for e in examples if (e.task_id, e.clip.record.subject_id) in kept]
