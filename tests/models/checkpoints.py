"""Checkpoints as after a training, for the tests of this room."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

from respllm.batching import ExampleSet, TextTokenizer
from respllm.config import LoraSettings, ModelConfig
from respllm.models import (
    Checkpoint,
    CheckpointConfig,
    KnownTask,
    assemble,
    load_llm,
)
from respllm.models.checkpoint import CONFIG, WEIGHTS
from respllm.tasks import get_task
from respllm.types import Clip, Dms, Example, Record

WIDTH = 24


def make_checkpoint(llm: str, **changes: Any) -> Checkpoint:
    """A checkpoint as after a training: every trained weight is moved away from its start."""
    config = ModelConfig(llm=llm, head="attention", lora=LoraSettings(r=4))
    loaded = load_llm(config, seed=3)
    model = assemble(loaded.model, config, WIDTH, seed=3)
    with torch.no_grad():
        torch.manual_seed(9)
        for parameter in model.parameters():
            if parameter.requires_grad:
                parameter.add_(0.1 * torch.randn_like(parameter))
    settings: dict[str, Any] = {
        "model": config,
        "base_identity": loaded.identity,
        "encoder_name": "mel-patch",
        "encoder_identity": "mel-patch-test",
        "audio_width": WIDTH,
        "protocol": "clean",
        "seed": 3,
        "tasks": (KnownTask.of(get_task("S7"), 0.25, 0.5), KnownTask.of(get_task("T5"))),
        "datasets": ("icbhi",),
        "agreement_only": (),
        "simulated": False,
    }
    return Checkpoint(
        model.eval(), TextTokenizer(loaded.tokenizer), CheckpointConfig(**settings | changes)
    )


def logits(checkpoint: Checkpoint) -> torch.Tensor:
    record = Record("d/r", "d/s", "d", "lung", Path("r.wav"), Dms())
    texts = ("Gender: Male. Age: 65.", "", "Age: 30. Ünïcode <s>.")
    examples = [
        Example("S7", Clip(record, window=i), "COPD?", t, None) for i, t in enumerate(texts)
    ]
    audio = np.random.default_rng(0).standard_normal((3, 64, WIDTH)).astype(np.float32)
    batch = ExampleSet(examples, lambda rows: audio[list(rows)], checkpoint.tokenizer).batch(
        range(3)
    )
    with torch.inference_mode():
        return checkpoint.model(batch)


def edit_config(folder: Path, **changes: Any) -> None:
    """Change the configuration and let it vouch for itself."""
    from respllm.models.checkpoint import _digest

    content = json.loads((folder / CONFIG).read_text(encoding="utf-8")) | changes
    content["config_sha256"] = _digest(content)
    (folder / CONFIG).write_text(json.dumps(content), encoding="utf-8")


def edit_weights(folder: Path, change: Callable[[dict[str, torch.Tensor]], None]) -> None:
    """Change the weights and let the configuration vouch for them."""
    from respllm.models.checkpoint import _sha256

    weights = load_file(folder / WEIGHTS)
    change(weights)
    save_file(weights, folder / WEIGHTS)
    edit_config(folder, weights_sha256=_sha256(folder / WEIGHTS))
