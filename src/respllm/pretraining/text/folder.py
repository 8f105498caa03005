"""The folder of a text pretraining: what is in it, and whose it is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from respllm.config import read_yaml
from respllm.datasets.fetching.writing import write_whole
from respllm.errors import ConfigError
from respllm.pretraining.text.settings import TextPretraining

COMMAND = "respllm pretrain text"


@dataclass(frozen=True, slots=True)
class TextFolder:
    """Paths of a text pretraining.

    `config.yaml` as declared; `run.json` data, split and results; `metrics.jsonl` one line per
    validation; `tensorboard/`; `tokenizer/`; `model/` what is used: weights, tokenizer, model card;
    `state/` what a killed run goes on from.
    """

    path: Path

    @property
    def config(self) -> Path:
        """The pretraining as declared."""
        return self.path / "config.yaml"

    @property
    def record(self) -> Path:
        """Data, split and results."""
        return self.path / "run.json"

    @property
    def metrics(self) -> Path:
        """One JSON line per validation."""
        return self.path / "metrics.jsonl"

    @property
    def tokenizer(self) -> Path:
        """The tokenizer's files."""
        return self.path / "tokenizer"

    @property
    def model(self) -> Path:
        """What is used: weights, tokenizer and model card."""
        return self.path / "model"

    @property
    def state(self) -> Path:
        """What a killed run goes on from."""
        return self.path / "state" / "last.pt"

    def start(self, settings: TextPretraining, resume: bool) -> None:
        """Make the folder, or check that it holds the run that is to go on.

        Raises:
            ConfigError: it holds a run and `resume` is off, or another run and `resume` is on.
        """
        if self.config.is_file():
            if not resume:
                raise ConfigError(
                    f"{self.path} already holds a run",
                    next_step="add --resume to continue it, or choose another --out",
                )
            declared = settings.model_dump(mode="json")
            earlier = read_yaml(self.config, TextPretraining).model_dump(mode="json")
            names = [name for name, value in earlier.items() if declared[name] != value]
            if names:
                raise ConfigError(
                    f"{self.path} holds a run with other settings: {', '.join(names)}",
                    next_step="resume with the settings it began with, or choose another --out",
                )
            return
        if self.path.exists() and any(self.path.iterdir()):
            raise ConfigError(
                f"{self.path} is not empty and holds no run", next_step="choose another --out"
            )
        self.path.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False)
        write_whole(self.config, text.encode())

    def write_record(self, content: dict[str, Any]) -> None:
        """Write data, split and results."""
        text = json.dumps(content, indent=2, allow_nan=False) + "\n"
        write_whole(self.record, text.encode())

    def read_metrics(self) -> list[dict[str, Any]]:
        """One entry per validation; none before the first."""
        if not self.metrics.is_file():
            return []
        lines = self.metrics.read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]
