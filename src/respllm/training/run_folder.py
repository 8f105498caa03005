"""A run's folder: what is in it, and how it is written so that a kill leaves it whole."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from respllm.config import RunConfig, parse, read_settings
from respllm.errors import CheckpointError, ConfigError

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Paths of a run.

    `config.yaml` the run as declared; `run.json` versions, data, splits, result, naming nobody;
    `skipped.json` the clips left out; `metrics.jsonl` one line per validation; `tensorboard/`;
    `model/` the best model; `state/` what a killed run goes on from; `results/` predictions and
    scores.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The run as declared."""
        return self.path / "config.yaml"

    @property
    def record(self) -> Path:
        """Versions, data, splits and result."""
        return self.path / "run.json"

    @property
    def skipped(self) -> Path:
        """The clips that could not be heard, and why."""
        return self.path / "skipped.json"

    @property
    def metrics(self) -> Path:
        """One JSON line per validation."""
        return self.path / "metrics.jsonl"

    @property
    def learned(self) -> Path:
        """Whom and what it learned from, as hashes."""
        return self.path / "learned.json"

    @property
    def model(self) -> Path:
        """The best model so far."""
        return self.path / "model"

    @property
    def state(self) -> Path:
        """What a killed run goes on from."""
        return self.path / "state" / "last.pt"

    def read_config(self) -> RunConfig:
        """The run as declared.

        Raises:
            ConfigError: no run is here.
            CheckpointError: a run of another format, or a damaged file.
        """
        if not self.config.is_file():
            raise ConfigError(
                f"No run in {self.path}",
                expected=f"a folder with {self.config.name}, as `respllm train` writes it",
                next_step="check the path, or train a run",
            )
        try:
            found = read_settings(self.config)
        except ConfigError as error:
            raise _damaged(self.config, error) from error
        version = found.pop("format_version", None)
        if version != FORMAT_VERSION:
            raise CheckpointError(
                f"Format version {version!r} of a run is not known here",
                where=str(self.config),
                expected=f"version {FORMAT_VERSION}",
                next_step="use the respllm version that wrote it, or another --out",
            )
        return parse(found, RunConfig, where=str(self.config))

    def read_record(self) -> dict[str, Any]:
        """Versions, data, splits and result.

        Raises:
            ConfigError: the run was stopped before it began to train.
            CheckpointError: the file is damaged.
        """
        if not self.record.is_file():
            raise ConfigError(
                f"The run in {self.path} was stopped before it began to train",
                expected=f"a file {self.record.name} in it",
                next_step="run `respllm train` again with --resume",
            )
        try:
            return json.loads(self.record.read_text(encoding="utf-8"))
        except (ValueError, RecursionError) as error:
            raise _damaged(self.record, error) from error

    def task_folder(self) -> Path:
        """Where relative paths of the run's task files start; see `read_record`."""
        return Path(self.read_record()["task_folder"])

    def start(self, config: RunConfig, resume: bool) -> None:
        """Make the folder, or check that it holds the run that is to go on.

        A run that was stopped before it began to train left nothing to keep: it is begun again.

        Raises:
            ConfigError: it holds a run and `resume` is off, or another run and `resume` is on.
        """
        declared = config.model_dump(mode="json")
        if self.record.is_file():
            if not resume:
                raise ConfigError(
                    f"{self.path} already holds a run",
                    next_step="add --resume to continue it, or choose another --out",
                )
            earlier = self.read_config()
            if earlier != config:
                names = [k for k, v in earlier.model_dump(mode="json").items() if declared[k] != v]
                raise ConfigError(
                    f"{self.path} holds a run with other settings: {', '.join(names)}",
                    next_step="resume with the settings it began with, or choose another --out",
                )
            return
        left = {self.config.name, f"{self.config.name}.new", f"{self.record.name}.new"}
        if self.path.exists() and any(path.name not in left for path in self.path.iterdir()):
            raise ConfigError(
                f"{self.path} is not empty and holds no run", next_step="choose another --out"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        write_text(
            self.config,
            yaml.safe_dump({"format_version": FORMAT_VERSION, **declared}, sort_keys=False),
        )


def _damaged(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"A file of the run is damaged ({type(error).__name__})",
        where=str(path),
        expected="the file as `respllm train` wrote it",
        next_step="copy the run folder again, or train again with another --out",
    )


def write_json(path: Path, content: Any) -> None:
    """Write JSON so that the file is the old or the new one, never half of it."""
    write_text(path, json.dumps(content, indent=2, allow_nan=False) + "\n")


def write_text(path: Path, text: str) -> None:
    """Write a text file so that it is the old or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(path.name + ".new")
    try:
        new.write_text(text, encoding="utf-8")
        os.replace(new, path)
    except OSError:  # on a full disk the half would keep the room that is wanted
        new.unlink(missing_ok=True)
        raise
