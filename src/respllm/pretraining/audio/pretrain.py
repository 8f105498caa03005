"""Self-supervised pretraining of an audio encoder: the loop and what it keeps."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from rich.console import Console

from respllm.encoders import htsat_checkpoint
from respllm.encoders.architectures import ARCHITECTURES
from respllm.encoders.pretrained import new_network
from respllm.errors import RespllmError
from respllm.models import default_device
from respllm.pretraining.audio.card import audio_card
from respllm.pretraining.audio.folder import AudioFolder
from respllm.pretraining.audio.hearing import Chosen, choose
from respllm.pretraining.audio.objectives import Outcome, Pretrainer
from respllm.pretraining.audio.settings import AudioPretraining
from respllm.pretraining.audio.spectrograms import Spectrograms, hear
from respllm.pretraining.audio.views import ViewBatch, Views
from respllm.tasks.learned import Learned
from respllm.tasks.removed import name_hash
from respllm.tasks.splits import by_subject
from respllm.training.curves import Curves
from respllm.training.determinism import deterministic
from respllm.training.run_folder import write_text
from respllm.training.schedule import learning_rate
from respllm.training.state import Progress, load_state, save_state
from respllm.version import __version__

VALIDATION_BATCHES = 8
SCALE_BATCHES = 8
_VALIDATION_SEED = 1_000_003  # its views differ from all of training


@dataclass(frozen=True, slots=True)
class Validation:
    """How well an encoder does on views of people it was not trained on.

    Attributes:
        loss: the weighted sum.
        contrastive, reconstruction, description: None where an objective has no weight.
        found: share of recordings whose other crop was found.
    """

    loss: float
    contrastive: float | None
    reconstruction: float | None
    description: float | None
    found: float | None


@dataclass(frozen=True, slots=True)
class PretrainingSummary:
    """What a pretraining gave.

    Attributes:
        folder: of the run.
        encoder: folder of the best weights, for an encoder's `checkpoint`.
        identity: name and the weights' hash.
        steps, best_step: done, and the one that is kept.
        validation: of the kept step.
        hours: of sound that was heard.
        people, validation_people: who was learned from, and validated on.
        recordings: heard by source.
        notes: what was left out.
    """

    folder: Path
    encoder: Path
    identity: str
    steps: int
    best_step: int
    validation: Validation
    hours: float
    people: int
    validation_people: int
    recordings: dict[str, int]
    notes: tuple[str, ...]


def pretrain_audio(
    settings: AudioPretraining,
    data_root: Path,
    folder: Path,
    *,
    run_folder: Path | None = None,
    resume: bool = False,
    console: Console | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> PretrainingSummary:
    """Pretrain an encoder; the best weights on people held out are kept in `folder/encoder`.

    Everything random follows from the seed and the step: a run that goes on from its saved state
    ends with the weights of one that was never interrupted.

    Args:
        settings: the run as declared.
        data_root: holds one folder per dataset.
        folder: where it is kept.
        run_folder: of the run file: where relative paths may start; None is the data root.
        resume: go on with an interrupted run.
        console: a progress bar is drawn on it, if it is a terminal.
        progress: called with (recordings heard, recordings in all).

    Raises:
        ConfigError: the folder holds a run and `resume` is off, or another run.
        DataError: see `choose`.
        RespllmError: too few people, or a loss that is no number any more.
    """
    kept = AudioFolder(folder)
    kept.start(settings, resume)
    chosen = choose(settings, data_root, run_folder or data_root)
    simulated = {s.name: s.simulated for s in settings.hear if s.simulated is not None}
    kept.write_learned(_learned(chosen))
    spectrograms = hear(chosen.records, simulated, kept.spectrograms, progress)
    parts = _parts(spectrograms, settings.validation_share)
    architecture = ARCHITECTURES[settings.encoder]
    views = [Views(spectrograms, part, settings, architecture) for part in parts]
    training, validation = views
    model = Pretrainer(
        new_network(architecture, settings.seed), architecture, settings.objectives, settings.seed
    )
    description = {
        "respllm": __version__,
        "settings": settings.model_dump(mode="json"),
        "hours": round(spectrograms.seconds / 3600, 3),
        "people": training.people,
        "validation_people": validation.people,
        "recordings": _counts(spectrograms),
    }
    done = _optimise(
        model.to(default_device()), training, validation, settings, kept, console, description
    )
    kept.spectrograms.unlink()
    found = htsat_checkpoint.describe(kept.encoder)
    notes = chosen.notes
    if spectrograms.unusable:
        notes = (*notes, f"{spectrograms.unusable} recordings are silent or cannot be decoded")
    summary = PretrainingSummary(
        folder=folder,
        encoder=kept.encoder,
        identity=f"{settings.encoder}-{found.sha256[:16]}",
        steps=done.step,
        best_step=done.best_step,
        validation=Validation(**found.made["validation"]),
        hours=spectrograms.seconds / 3600,
        people=training.people,
        validation_people=validation.people,
        recordings=_counts(spectrograms),
        notes=notes,
    )
    parameters = sum(weight.numel() for weight in model.network.parameters())
    write_text(kept.card, audio_card(settings, summary, parameters, kept.curve()))
    return summary


def _learned(chosen: Chosen) -> Learned:
    """Whom it hears, as hashes: validation people too, as they decide which weights are kept."""
    people = {record.subject_id for some in chosen.records.values() for record in some}
    return Learned(frozenset(map(name_hash, people)), chosen.contents)


def _counts(spectrograms: Spectrograms) -> dict[str, int]:
    return dict(sorted(Counter(heard.source for heard in spectrograms.heard).items()))


def _parts(
    spectrograms: Spectrograms, share: float
) -> tuple[dict[str, frozenset[str]], dict[str, frozenset[str]]]:
    """Of each source its training and its validation people; nobody is in both."""
    people: dict[str, dict[str, int]] = defaultdict(dict)
    for heard in spectrograms.heard:
        people[heard.source][heard.subject] = 0
    training, validation = {}, {}
    for source, subjects in people.items():
        validation[source], training[source] = by_subject(subjects, [share])
        if min(len(training[source]), len(validation[source])) < 2:
            raise RespllmError(
                f"{len(subjects)} people are too few to learn from and to validate on",
                where=f"source {source}",
                expected="at least two of them in each part",
                next_step="add recordings of more people, or leave this source out",
            )
    return training, validation


@deterministic()
def _optimise(
    model: Pretrainer,
    training: Views,
    validation: Views,
    settings: AudioPretraining,
    kept: AudioFolder,
    console: Console | None,
    description: Mapping[str, Any],
) -> Progress:
    device = next(model.parameters()).device
    optimizer = torch.optim.AdamW(
        _groups(model, settings.weight_decay), lr=settings.learning_rate, betas=(0.9, 0.98)
    )
    progress = Progress()
    if kept.state.is_file():
        progress, weights, state = load_state(kept.state)
        model.load_state_dict(weights)
        optimizer.load_state_dict(state)
    else:
        batches = [training.batch(settings.seed, 2, number) for number in range(SCALE_BATCHES)]
        model.set_scale([batch.to(device) for batch in batches])
    kept.keep_until(progress.step)
    scored = [validation.batch(_VALIDATION_SEED, number) for number in range(VALIDATION_BATCHES)]
    with Curves(
        kept.tensorboard, "pretraining", "validation", progress.step, settings.steps, console
    ) as curves:
        while progress.step < settings.steps and not progress.stopped:
            rate = learning_rate(
                settings.learning_rate, settings.warmup_fraction, progress.step, settings.steps
            )
            for group in optimizer.param_groups:
                group["lr"] = rate
            batch = training.batch(settings.seed, 1, progress.step).to(device)
            loss = _step(model.train(), optimizer, batch, settings)
            progress.step += 1
            curves.step(progress.step, loss, rate)
            if progress.step % settings.validate_every and progress.step < settings.steps:
                continue
            found = _validate(model.eval(), scored, settings, device)
            curves.validated(progress.step, asdict(found))
            curves.judge(found.loss)
            improved = progress.best is None or found.loss < -progress.best
            kept.note({"step": progress.step, "improved": improved, **asdict(found)})
            if improved:  # `best` is the larger the better
                progress.best, progress.best_step, progress.waited = -found.loss, progress.step, 0
                htsat_checkpoint.save(
                    kept.encoder,
                    model.architecture,
                    model.network.state_dict(),
                    {**description, "step": progress.step, "validation": asdict(found)},
                )
            else:
                progress.waited += 1
                patience = settings.patience
                progress.stopped = patience is not None and progress.waited >= patience
            weights = {name: tensor.cpu() for name, tensor in model.state_dict().items()}
            save_state(kept.state, progress, weights, optimizer.state_dict())
    return progress


def _groups(model: Pretrainer, decay: float) -> list[dict[str, Any]]:
    """Weights of products decay; biases, norms and tables of relative positions do not."""
    decayed: list[torch.nn.Parameter] = []
    others: list[torch.nn.Parameter] = []
    for name, parameter in model.named_parameters():
        plain = parameter.ndim < 2 or "relative_position" in name
        (others if plain else decayed).append(parameter)
    return [
        {"params": decayed, "weight_decay": decay},
        {"params": others, "weight_decay": 0.0},
    ]


def _step(
    model: Pretrainer,
    optimizer: torch.optim.Optimizer,
    batch: ViewBatch,
    settings: AudioPretraining,
) -> float:
    optimizer.zero_grad()
    loss = _outcome(model, batch, settings).loss
    loss.backward()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), settings.gradient_clip)
    value = float(loss.detach())
    if not (math.isfinite(value) and bool(torch.isfinite(norm))):
        raise RespllmError(
            f"The loss is {value}, its gradient {float(norm)}",
            where=f"pretraining {settings.name}",
            next_step="lower the learning rate and start again in another --out",
        )
    optimizer.step()
    return value


def _outcome(model: Pretrainer, batch: ViewBatch, settings: AudioPretraining) -> Outcome:
    with torch.autocast(batch.mel.device.type, torch.bfloat16, enabled=settings.bf16):
        return model(batch)


@torch.no_grad()
def _validate(
    model: Pretrainer,
    batches: Sequence[ViewBatch],
    settings: AudioPretraining,
    device: torch.device,
) -> Validation:
    outcomes = [_outcome(model, batch.to(device), settings) for batch in batches]

    def mean(name: str) -> float | None:
        values = [getattr(outcome, name) for outcome in outcomes]
        if any(value is None for value in values):
            return None
        return round(float(torch.stack(values).mean()), 4)

    loss = mean("loss")
    assert loss is not None
    return Validation(
        loss,
        mean("contrastive"),
        mean("reconstruction"),
        mean("description"),
        mean("found"),
    )
