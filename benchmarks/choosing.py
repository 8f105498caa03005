"""How choices are made: run files against one another, by training people only.

python benchmarks/choosing.py configs/a.yaml configs/b.yaml --data-root DATA [--seeds 3]

The people of the training tasks' training and validation parts are divided into five folds; of four
of them a model is trained (a fifth of these people decide which step is kept), the fifth is scored.
Test parts and zero-shot tasks are neither heard nor scored. Printed: AUROC of every task and the
paired difference to the first run file, with 95% intervals by person (docs/statistics.md).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from accelerate import Accelerator
from rich.console import Console
from rich.table import Table
from sklearn.model_selection import StratifiedGroupKFold

from respllm.batching import ExampleSet, Heard, balanced_weights, hear
from respllm.config import RunConfig, read_yaml
from respllm.encoders import load_encoder
from respllm.evaluation import ScoredClip, ScoredUnits, mean_auroc, paired_difference, scored_units
from respllm.models import load_trained_state, predict_logits, trained_state
from respllm.training.aligning import align_fresh
from respllm.training.building import build
from respllm.training.data import TrainingData, load_training_data
from respllm.training.loop import optimise
from respllm.training.observing import Silent
from respllm.training.state import Progress
from respllm.training.varying import with_views

FOLDS = 5


@dataclass
class Best(Silent):
    """Keeps the weights of the best validation."""

    model: Any
    weights: dict[str, Any] = field(default_factory=dict)

    def validated(self, progress: Progress, aurocs: dict[str, float], improved: bool) -> None:
        """Keep a copy if it is the best so far."""
        if improved:
            self.weights = {name: w.clone() for name, w in trained_state(self.model).items()}


def main(
    configs: list[Path],
    data_root: Annotated[Path, typer.Option()],
    seeds: int = 1,
    folds: Annotated[int, typer.Option(help="Of the five, how many are scored.")] = FOLDS,
) -> None:
    """Compare run files."""
    found = {path: scores(path, data_root, seeds, folds) for path in configs}
    first = found[configs[0]]
    table = Table("task", *[path.stem for path in configs])
    for task_id in first:
        cells = []
        for path in configs:
            units = found[path][task_id]
            score = mean_auroc(units)
            cell = f"{score.value:.3f} ({score.low:.3f}-{score.high:.3f})"
            if path != configs[0]:
                gain = paired_difference(units, first[task_id])
                cell += f"\n{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
            cells.append(cell)
        table.add_row(task_id, *cells)
    Console(width=40 + 30 * len(configs)).print(table)


def scores(path: Path, data_root: Path, seeds: int, folds: int) -> dict[str, ScoredUnits]:
    """Of each training task the scores of people whom the model was not trained on."""
    config = read_yaml(path, RunConfig)
    encoder = load_encoder(config.encoder.name, config.encoder.checkpoint)
    data = load_training_data(config, path.parent, data_root, encoder)
    pool = hear([*data.train.examples, *data.validation.examples], encoder)
    runs: dict[str, list[list[list[ScoredClip]]]] = {task.id: [] for task in data.train_tasks}
    for seed in range(seeds):
        scored: list[ScoredClip] = []
        for fold, (train, validation, test) in enumerate(divided(pool.examples, seed)):
            if fold == folds:
                break
            own = config.model_copy(update={"seed": seed})
            part = replace(data, train=_of(pool, train), validation=_of(pool, validation))
            scored += _answers(own, encoder, part, _of(pool, test))
            print(path.stem, "seed", seed, "fold", fold, flush=True)
        for task_id, kept in runs.items():
            kept.append([[one for one in scored if one.task_id == task_id]])
    return {task_id: scored_units(kept) for task_id, kept in runs.items()}


def divided(
    examples: Sequence[Any], seed: int
) -> Iterator[tuple[frozenset[str], frozenset[str], frozenset[str]]]:
    """Of each fold the people to train on, to select by, and to score."""
    kinds = np.array([f"{e.task_id} {e.label}" for e in examples])
    people = np.array([e.clip.record.subject_id for e in examples])
    outer = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed)
    inner = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed + 1)
    for learned, scored in outer.split(kinds, kinds, people):
        train, validation = next(inner.split(kinds[learned], kinds[learned], people[learned]))
        names = people[learned]
        yield frozenset(names[train]), frozenset(names[validation]), frozenset(people[scored])


def _of(pool: Heard, people: frozenset[str]) -> Heard:
    return pool.where(lambda example: example.clip.record.subject_id in people)


def _answers(config: RunConfig, encoder: Any, data: TrainingData, asked: Heard) -> list[ScoredClip]:
    training = config.training
    plain = balanced_weights(data.train.examples)
    checkpoint = build(config, encoder, data, plain)
    align_fresh(checkpoint, data, config, plain)
    heard = with_views(data.train, config, encoder)
    sets = [
        ExampleSet(part.examples, part.tokens, checkpoint.tokenizer, weights)
        for part, weights in (
            (heard, balanced_weights(heard.examples)),
            (data.validation, None),
            (asked, None),
        )
    ]
    best = Best(checkpoint.model)
    optimise(checkpoint.model, sets[0], sets[1], training, config.seed, Accelerator(cpu=True), best)
    load_trained_state(checkpoint.model, best.weights, where="the best step")
    logits = predict_logits(checkpoint.model, sets[2], bf16=training.bf16)
    return [
        ScoredClip.of(e, logit)
        for e, logit in zip(asked.examples, logits, strict=True)
        if e.label is not None
    ]


if __name__ == "__main__":
    typer.run(main)
