"""The model of a run before its first step."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from respllm.batching import TextTokenizer, class_priors, implied_priors
from respllm.config import RunConfig
from respllm.datasets import DATASETS
from respllm.encoders import AudioEncoder
from respllm.errors import CheckpointError
from respllm.models import Checkpoint, CheckpointConfig, KnownTask, assemble, load_llm
from respllm.models.projecting import start_projector
from respllm.simulation import is_simulated
from respllm.training.data import TrainingData

PROJECTOR_SAMPLE = 512
"""Training clips, evenly spaced, that the projector's start is measured on."""


def build(
    config: RunConfig,
    encoder: AudioEncoder,
    data: TrainingData,
    weights: np.ndarray,
) -> Checkpoint:
    """The model of a run before its first step: fresh, or from `init_from`."""
    folders = {example.clip.record.audio_path.parent for example in data.train.examples}
    simulated = any(map(is_simulated, folders))
    earlier_tasks: dict[str, KnownTask] = {}
    names = {task.dataset_name for task in data.train_tasks}
    agreement_only = {n for n in names if n in DATASETS and DATASETS[n].agreement_only}
    if simulated:
        agreement_only = set()
    if config.init_from is None:
        loaded = load_llm(config.model, config.seed)
        model = assemble(loaded.model, config.model, encoder.width, config.seed)
        sample = np.linspace(0, len(data.train.examples) - 1, PROJECTOR_SAMPLE).astype(int)
        start_projector(model, data.train.tokens(np.unique(sample).tolist()), config.seed)
        tokenizer, base_identity = TextTokenizer(loaded.tokenizer), loaded.identity
    else:
        earlier = _earlier(config.init_from, config, encoder)
        model, tokenizer = earlier.model, earlier.tokenizer
        base_identity = earlier.config.base_identity
        # What the earlier model learned from binds this one too.
        names.update(earlier.config.datasets)
        agreement_only.update(earlier.config.agreement_only)
        simulated = simulated or earlier.config.simulated
        earlier_tasks = {task.id: task for task in earlier.config.tasks if task.role == "source"}
    examples = data.train.examples
    priors, implied = class_priors(examples), implied_priors(examples, weights)
    known = [KnownTask.of(t, priors[t.id], implied[t.id]) for t in data.train_tasks]
    known += [earlier_tasks.pop(t.id, KnownTask.of(t)) for t in data.test_tasks]
    known += [t for i, t in earlier_tasks.items() if i not in priors]
    return Checkpoint(
        model,
        tokenizer,
        CheckpointConfig(
            model=config.model,
            base_identity=base_identity,
            encoder_name=encoder.name,
            encoder_identity=encoder.identity,
            audio_width=encoder.width,
            protocol=config.protocol,
            seed=config.seed,
            tasks=tuple(known),
            datasets=tuple(sorted(names)),
            agreement_only=tuple(sorted(agreement_only)),
            simulated=simulated,
        ),
    )


def _earlier(source: Path, config: RunConfig, encoder: AudioEncoder) -> Checkpoint:
    earlier = Checkpoint.from_pretrained(source)
    if earlier.config.encoder_identity != encoder.identity:
        raise CheckpointError(
            f"{source} hears through {earlier.config.encoder_identity}, "
            f"this run through {encoder.identity}",
            next_step="give the run the encoder of the model it starts from",
        )
    if earlier.config.model != config.model:
        raise CheckpointError(
            f"{source} has another language model, head or adapter",
            expected=repr(earlier.config.model),
            next_step="copy its `model` settings",
        )
    return earlier
