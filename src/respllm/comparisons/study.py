"""A study: many models on the same people, seeds and test parts, kept in one folder.

`study.yaml` the run it is about; `study.json` where its task files are, fingerprints of who is in
which part, and what the protocol did; `<model>/seed-<k>/clips.csv` every scored clip of a finished
model, `left_out.json` the tasks it could not learn (and `<model>/seed-<k>/run*/` the run folders it
was trained in); `looks.jsonl` one line per look at the test parts.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from respllm.audio.properties import RecordingProperties, properties_of
from respllm.batching import Heard, hear
from respllm.comparisons.entries import RESPLLM, Entry
from respllm.config import RunConfig, StrictModel, parse, read_settings
from respllm.encoders import AudioEncoder, load_encoder
from respllm.errors import CheckpointError, ConfigError, DataError
from respllm.evaluation import ScoreRow, read_scores, write_scores
from respllm.inference.evaluate import held_out
from respllm.inference.looks import log_look
from respllm.inference.scoring import SCORES
from respllm.models import default_device
from respllm.models.text_embedding import TextEmbedder, text_embedder
from respllm.simulation import is_simulated
from respllm.tasks import Learned, Selection, Task
from respllm.tasks.selection import person_naming
from respllm.training.data import load_training_data, split_hashes
from respllm.training.run_folder import write_json, write_text
from respllm.types import ProtocolName

CONFIG, RECORD, LEFT_OUT = "study.yaml", "study.json", "left_out.json"
FORMAT_VERSION = 1
"""Of a study's folder. A `study.yaml` without it is of the same format, from before it was told."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class StudyData:
    """What every model of a study learns from and is tested on.

    Attributes:
        encoder: of the run.
        trained, targets: tasks with a training part, and tasks that are only tested.
        train, validation, test: examples with usable audio, all tasks together.
        selections: each task's parts and notes.
    """

    encoder: AudioEncoder
    trained: tuple[Task, ...]
    targets: tuple[Task, ...]
    train: Heard
    validation: Heard
    test: Heard
    selections: Mapping[str, Selection]

    @property
    def tasks(self) -> tuple[Task, ...]:
        """All tasks, trained ones first."""
        return (*self.trained, *self.targets)

    @property
    def simulated(self) -> bool:
        """Whether any tested recording is simulated."""
        return any(map(is_simulated, {e.clip.record.audio_path.parent for e in self.test.examples}))


class StudyRecord(StrictModel):
    """What a table needs beside the scores.

    Attributes:
        task_folder: where relative paths of the run's task files start.
        simulated: whether any tested recording is simulated.
        notes: per task, what the protocol did.
        people: training people per task, after recordings that cannot be heard.
        splits: fingerprints of who is in which part.
    """

    task_folder: Path
    simulated: bool
    notes: dict[str, tuple[str, ...]]
    people: dict[str, int]
    splits: dict[str, dict[str, str]]


class Study:
    """A study's folder and data.

    Args:
        config: the run that trains RespLLM; every other model is derived from it.
        task_folder: where relative paths of its task files start.
        data_root: holds one folder per dataset.
        folder: of the study; made if it is not there.

    Raises:
        ConfigError: the folder holds a study of another run, or something else; a run that starts
            from another model or is limited to some people, which the baselines could not share.
    """

    def __init__(
        self,
        config: RunConfig,
        task_folder: Path,
        data_root: Path,
        folder: Path,
        progress: Progress | None = None,
    ) -> None:
        self.config = config
        self.task_folder = task_folder
        self.data_root = data_root
        self.folder = folder
        self._progress = progress
        self._embedder: TextEmbedder | None = None
        for name in ("init_from", "limit_subjects"):
            if getattr(config, name) is not None:
                raise ConfigError(
                    f"A study compares models that begin alike and learn from the same people, but "
                    f"the run file sets {name!r}",
                    next_step="remove it; `respllm curve` learns from fewer people",
                )
        self._claim()

    @property
    def protocol(self) -> ProtocolName:
        """The data choices of all its models."""
        return self.config.protocol

    def place(self, entry: Entry, seed: int) -> Path:
        """The folder of one model with one seed; of RespLLM for what would be trained as it is."""
        same = (
            entry.kind == "run"
            and entry.scope == "joint"
            and entry.limit_subjects is None
            and entry.config(self.config).model == self.config.model
        )
        return self.folder / (RESPLLM if same else entry.name) / f"seed-{seed}"

    def finished(self, entry: Entry, seed: int) -> bool:
        """Whether a model's scores are there."""
        return (self.place(entry, seed) / SCORES).is_file()

    def scores(self, entry: Entry, seed: int) -> list[ScoreRow]:
        """Every scored clip of a finished model."""
        return read_scores(self.place(entry, seed) / SCORES)

    def left_out(self, entry: Entry, seed: int) -> dict[str, str]:
        """Tasks that a finished model could not learn, with the reasons."""
        return read_left_out(self.place(entry, seed))

    def keep(
        self, entry: Entry, seed: int, rows: list[ScoreRow], left_out: Mapping[str, str]
    ) -> None:
        """Keep a model's scores, and log that it looked at the test parts."""
        clips = Counter(row.scored.task_id for row in rows if row.part == "test")
        log_look(
            self.folder, f"{entry.name}, seed {seed}", self.protocol, "study", {"test_clips": clips}
        )
        if left_out:
            write_json(self.place(entry, seed) / LEFT_OUT, left_out)
        write_scores(self.place(entry, seed) / SCORES, rows)

    def person_of(self, task: Task) -> Callable[[str], str]:
        """Subject id -> a name that is the same in every task for the same person."""
        return person_naming(task, self.data_root)

    @cached_property
    def data(self) -> StudyData:
        """Examples and audio tokens, selected and heard once.

        Raises:
            DataError: the recordings or their parts are not those the study began with.
        """
        encoder = load_encoder(self.config.encoder.name, self.config.encoder.checkpoint)
        encoder.to(default_device())
        data = load_training_data(
            self.config, self.task_folder, self.data_root, encoder, progress=self._progress
        )
        learned = Learned.of([*data.train.examples, *data.validation.examples])
        tasks = (*data.train_tasks, *data.test_tasks)
        selections = {task.id: held_out(data.selections[task.id], learned) for task in tasks}
        tested = [e for task in tasks for e in selections[task.id].parts["test"]]
        test = hear(tested, encoder, progress=self._progress)
        found = StudyData(
            encoder,
            data.train_tasks,
            data.test_tasks,
            data.train,
            data.validation,
            test,
            selections,
        )
        self._record(found, split_hashes(data.selections))
        return found

    def embedder(self) -> TextEmbedder:
        """What reads DMS texts for the soft baselines; texts are embedded once."""
        if self._embedder is None:
            settings, seed = self.config.baselines, self.config.seed
            self._embedder = text_embedder(settings.text, self.config.model, seed, default_device())
        return self._embedder

    def forget_embedder(self) -> None:
        """Give its memory back: it may be a second copy of the language model."""
        self._embedder = None

    @cached_property
    def properties(self) -> Mapping[Path, RecordingProperties]:
        """How each recording was made, by its path; those that cannot be read are left out."""
        parts = (self.data.train, self.data.validation, self.data.test)
        return properties_of(e.clip.record.audio_path for part in parts for e in part.examples)

    def _claim(self) -> None:
        path = self.folder / CONFIG
        declared = self.config.model_dump(mode="json")
        if path.is_file():
            before = read_config(self.folder).model_dump(mode="json")
            if changed := [key for key, value in declared.items() if before[key] != value]:
                raise ConfigError(
                    f"{self.folder} holds a study of a run with other settings: "
                    f"{', '.join(changed)}",
                    next_step="choose another --out, or give the run file it began with",
                )
            return
        if self.folder.exists() and any(self.folder.iterdir()):
            raise ConfigError(
                f"{self.folder} is not empty and holds no study", next_step="choose another --out"
            )
        content = {"format_version": FORMAT_VERSION, **declared}
        write_text(path, yaml.safe_dump(content, sort_keys=False))

    def _record(self, data: StudyData, splits: dict[str, dict[str, str]]) -> None:
        """Keep what a table needs beside the scores, or check that nothing changed."""
        path = self.folder / RECORD
        people = {(e.task_id, e.clip.record.subject_id) for e in data.train.examples}
        if not path.is_file():
            record = StudyRecord(
                task_folder=self.task_folder.resolve(),
                simulated=data.simulated,
                notes={i: selection.notes for i, selection in data.selections.items()},
                people=dict(Counter(task_id for task_id, _ in people)),
                splits=splits,
            )
            write_text(path, record.model_dump_json(indent=2) + "\n")
        elif read_record(self.folder).splits != splits:
            raise DataError(
                "The recordings, their parts or their answers are not those this study began with",
                where=str(self.folder),
                next_step="give the same --data-root as before, or choose another --out",
            )


def read_config(folder: Path) -> RunConfig:
    """The run that a study is about.

    Raises:
        ConfigError: no study is here.
        CheckpointError: a study of another format, or a damaged file.
    """
    path = folder / CONFIG
    if not path.is_file():
        raise ConfigError(
            f"No study in {folder}",
            expected=f"a folder with {CONFIG}, as `respllm table` or `respllm baselines` writes it",
            next_step="check the path",
        )
    try:
        found = read_settings(path)
    except ConfigError as error:
        raise _damaged(path) from error
    version = found.pop("format_version", FORMAT_VERSION)
    if version != FORMAT_VERSION:
        raise CheckpointError(
            f"Format version {version!r} of a study is not known here",
            where=str(path),
            expected=f"version {FORMAT_VERSION}",
            next_step="use the respllm version that wrote it, or another --out",
        )
    return parse(found, RunConfig, str(path))


def read_record(folder: Path) -> StudyRecord:
    """What a study keeps beside its scores.

    Raises:
        ConfigError: the study was stopped before it heard its data.
    """
    path = folder / RECORD
    if not path.is_file():
        raise ConfigError(
            f"The study in {folder} has no result yet", next_step="run `respllm table` on it"
        )
    return parse(_json(path), StudyRecord, str(path))


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> CheckpointError:
    return CheckpointError(
        "A file of the study is damaged",
        where=str(path),
        expected="the file as respllm wrote it",
        next_step="copy the study's folder again, or begin it anew with another --out",
    )


def read_left_out(folder: Path) -> dict[str, str]:
    """Tasks that the model in a folder could not learn, with the reasons."""
    path = folder / LEFT_OUT
    return _json(path) if path.is_file() else {}
