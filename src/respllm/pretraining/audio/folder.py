"""The folder of an audio pretraining."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from respllm.encoders.htsat_checkpoint import LEARNED
from respllm.errors import CheckpointError, ConfigError
from respllm.pretraining.audio.settings import AudioPretraining
from respllm.tasks.learned import Learned
from respllm.training.run_folder import write_json, write_text


@dataclass(frozen=True, slots=True)
class AudioFolder:
    """Paths of a pretraining.

    `config.yaml` the run as declared; `encoder/` the best weights, their description, model card
    and, as hashes, whom they heard; `metrics.jsonl` one line per validation; `tensorboard/`;
    `state/` what a killed run goes on from; `spectrograms.f16` is deleted at the end.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The run as declared."""
        return self.path / "config.yaml"

    @property
    def encoder(self) -> Path:
        """The best weights so far, and their description."""
        return self.path / "encoder"

    @property
    def card(self) -> Path:
        """The encoder's model card."""
        return self.encoder / "README.md"

    @property
    def metrics(self) -> Path:
        """One JSON line per validation."""
        return self.path / "metrics.jsonl"

    @property
    def state(self) -> Path:
        """What a killed run goes on from."""
        return self.path / "state" / "last.pt"

    @property
    def spectrograms(self) -> Path:
        """Mel powers of all recordings, while it runs."""
        return self.path / "spectrograms.f16"

    @property
    def tensorboard(self) -> Path:
        """Curves."""
        return self.path / "tensorboard"

    def start(self, settings: AudioPretraining, resume: bool) -> None:
        """Make the folder, or check that it holds the run that is to go on.

        Raises:
            ConfigError: it holds a run and `resume` is off, or another run.
        """
        declared = settings.model_dump(mode="json")
        if self.config.is_file() and self.state.is_file():
            if not resume:
                raise ConfigError(
                    f"There is a pretraining in {self.path} already",
                    next_step="go on with it (--resume), or choose another --out",
                )
            if yaml.safe_load(self.config.read_text(encoding="utf-8")) != declared:
                raise ConfigError(
                    "The folder holds a pretraining with other settings",
                    where=str(self.config),
                    next_step="use the run file it was started with, or another --out",
                )
        elif self.path.is_dir() and any(self.path.iterdir()) and not self.config.is_file():
            raise ConfigError(
                f"{self.path} holds other files",
                expected="a new or empty folder, or a pretraining to go on with",
                next_step="choose another --out",
            )
        self.path.mkdir(parents=True, exist_ok=True)
        write_text(self.config, yaml.safe_dump(declared, sort_keys=False))

    def write_learned(self, learned: Learned) -> None:
        """Whom it heard, as hashes.

        Raises:
            ConfigError: a run that goes on heard others before.
        """
        path = self.encoder / LEARNED
        if self.state.is_file() and path.is_file() and Learned.read(path) != learned:
            raise ConfigError(
                "The recordings are not those that this run began with",
                where=str(self.path),
                next_step="put the old files back, or start again with another --out",
            )
        self.encoder.mkdir(exist_ok=True)
        write_json(path, learned.plain())

    def note(self, line: dict[str, Any]) -> None:
        """Write one validation down."""
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line) + "\n")

    def curve(self) -> list[dict[str, Any]]:
        """All validations so far.

        Raises:
            CheckpointError: the file is damaged.
        """
        try:
            lines = self.metrics.read_text(encoding="utf-8").splitlines()
            return [json.loads(line) for line in lines]
        except (OSError, ValueError) as error:
            raise CheckpointError(
                "The validations cannot be read",
                where=str(self.metrics),
                next_step="start the pretraining again in another --out",
            ) from error

    def keep_until(self, step: int) -> None:
        """Forget validations that a continued run will do again."""
        lines = self.curve() if self.metrics.is_file() else []
        kept = [json.dumps(line) + "\n" for line in lines if line["step"] <= step]
        write_text(self.metrics, "".join(kept))
