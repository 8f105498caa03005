"""An optional first stage: audio tokens learn to lie near the words that describe the sound.

An addition to the paper, as newer systems of audio and language have one. Only the projector is
trained, against word embeddings that stay as they are.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from rich.console import Console
from rich.progress import track
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax, normalize

from respllm.batching import Heard, TextTokenizer, mixed_batches, pooled_tokens
from respllm.config import RunConfig, TrainingConfig
from respllm.models import Checkpoint
from respllm.models.respllm import RespLLM
from respllm.training.data import TrainingData
from respllm.training.determinism import deterministic
from respllm.training.loop import TrainingDivergedError
from respllm.training.schedule import learning_rate
from respllm.training.sound_text import sound_text

TEMPERATURE = 0.07
SMALLEST_TEMPERATURE = 0.01
"""Where CLIP's begins, and where it ends (Radford et al. 2021, 2.5)."""
SCALE_SAMPLE = 512
"""Training clips, evenly spaced, that the size of the projected tokens is measured on."""
READ_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class AlignmentSummary:
    """How an alignment ended.

    Attributes:
        epochs: passes over the training clips.
        texts: distinct texts.
        nearest_before, nearest_after: share of the training clips to whose tokens the right text
            is the nearest of all. They were learned from: no estimate of anything.
    """

    epochs: int
    texts: int
    nearest_before: float
    nearest_after: float


def align_fresh(
    checkpoint: Checkpoint,
    data: TrainingData,
    config: RunConfig,
    weights: np.ndarray,
    console: Console | None = None,
) -> AlignmentSummary | None:
    """Align a fresh model's sounds with words, if its run says so and it hears any."""
    fresh = config.init_from is None and "audio" in config.model.inputs
    if not config.training.alignment_epochs or not fresh:
        return None
    tasks = {task.id: task for task in data.train_tasks}
    texts = [sound_text(example, tasks[example.task_id]) for example in data.train.examples]
    return align(
        checkpoint.model,
        data.train,
        texts,
        weights,
        checkpoint.tokenizer,
        config.training,
        config.seed,
        console,
    )


@deterministic()
def align(
    model: RespLLM,
    heard: Heard,
    texts: Sequence[str],
    weights: np.ndarray,
    tokenizer: TextTokenizer,
    config: TrainingConfig,
    seed: int,
    console: Console | None = None,
) -> AlignmentSummary:
    """Train the projector of `model` in place, so that sounds lie near the words for them.

    A clip is the mean of its 64 projected tokens, a text the mean of its word embeddings, both on
    the unit sphere. In a batch each clip looks for its text among the batch's texts, each of which
    is there once, and each text for its clips, all of which are right (supervised contrastive,
    Khosla et al. 2020), with a learned temperature (Radford et al. 2021). On the sphere no size is
    right or wrong, so the projected tokens end as large as they began.

    All that is random follows from `seed`: the same call makes the same weights, in any process.

    Args:
        heard: training examples, and nothing else.
        texts: of each example: `respllm.training.sound_text`.
        weights: (n,) each example's weight in the loss; they average 1.
        config: its `alignment_epochs`, batch size, learning rate with schedule, and weight decay.
        console: shows a progress bar, if it is a terminal, and a note at the end; None is quiet.

    Raises:
        TrainingDivergedError: naming the step and the records of its batch.
    """
    projector = model.projector
    device = projector.weight.device
    distinct = sorted(set(texts))
    numbers = {text: number for number, text in enumerate(distinct)}
    own = torch.tensor([numbers[text] for text in texts], device=device)
    words = _text_vectors(model, distinct, tokenizer)
    # Of a linear map: the mean of the projected tokens is the projected mean token.
    means = torch.from_numpy(pooled_tokens(heard)).to(device)
    rows = np.linspace(0, len(means) - 1, SCALE_SAMPLE).astype(int)
    sample = torch.from_numpy(heard.tokens(np.unique(rows).tolist())).to(device)
    before, size = _nearest(projector, means, own, words), _size(projector, sample)
    sharpness = nn.Parameter(torch.tensor(-math.log(TEMPERATURE), device=device))
    optimizer = torch.optim.AdamW(
        [
            {"params": list(projector.parameters()), "weight_decay": config.weight_decay},
            {"params": [sharpness], "weight_decay": 0.0},
        ]
    )
    weight_of = torch.from_numpy(weights).to(device)
    epochs = (
        mixed_batches(len(means), config.batch_size, seed, epoch)
        for epoch in range(config.alignment_epochs)
    )
    total = config.alignment_epochs * -(-len(means) // config.batch_size)
    shown = track(
        chain.from_iterable(epochs),
        "aligning",
        total,
        console=console,
        disable=console is None or not console.is_terminal,
    )
    for step, batch in enumerate(shown):
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(
                config.learning_rate, config.warmup_fraction, step, total, config.schedule
            )
        chosen = torch.from_numpy(batch).to(device)
        present, text_of = own[chosen].unique(return_inverse=True)
        alike = normalize(projector(means[chosen]), dim=1) @ words[present].T
        loss = _loss(alike * sharpness.exp(), text_of, weight_of[chosen])
        if not torch.isfinite(loss):
            names = ", ".join(heard.examples[row].clip.record.record_id for row in batch)
            raise TrainingDivergedError(
                f"The loss is {loss.item()} at step {step + 1} of the alignment",
                where=f"records {names}",
                next_step="lower the learning rate, check these recordings, or set "
                "alignment_epochs to 0",
            )
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            sharpness.clamp_(max=-math.log(SMALLEST_TEMPERATURE))
    with torch.no_grad():
        factor = size / _size(projector, sample)
        for parameter in projector.parameters():
            parameter.grad = None
            parameter.mul_(factor)
    after = _nearest(projector, means, own, words)
    if console is not None:
        console.print(
            f"aligned: of {len(distinct)} texts the right one is the nearest to "
            f"{after:.0%} of the training clips (before: {before:.0%})",
            highlight=False,
            markup=False,
        )
    return AlignmentSummary(config.alignment_epochs, len(distinct), before, after)


def _loss(logits: Tensor, text_of: Tensor, weights: Tensor) -> Tensor:
    """Clips look for texts and texts for clips; (B, T) logits, (B,) each clip's text and weight.

    Clips of one text share its attention by their weights. As in `loop.py` a batch is divided by
    its length, not by its weights' sum.
    """
    to_text = cross_entropy(logits, text_of, reduction="none")
    to_clip = -log_softmax(logits, dim=0).gather(1, text_of[:, None])[:, 0]
    return (weights * (to_text + to_clip)).sum() / (2 * len(weights))


@torch.no_grad()
def _text_vectors(model: RespLLM, texts: Sequence[str], tokenizer: TextTokenizer) -> Tensor:
    """(T, S) float32 of length 1.

    Word embeddings and not the last hidden states: the projector's tokens stand where words stand,
    before the first layer, and nano's layers mean nothing before they are trained.
    """
    embed = model.llm.get_input_embeddings()
    vectors = []
    for text in texts:
        ids = torch.tensor(tokenizer.dms_ids(text), device=embed.weight.device)
        vectors.append(embed(ids).float().mean(0))
    return normalize(torch.stack(vectors).to(model.projector.weight.device), dim=1)


@torch.no_grad()
def _nearest(projector: nn.Linear, means: Tensor, own: Tensor, words: Tensor) -> float:
    # The length of a clip's vector does not change which text is the nearest.
    found = [(projector(part) @ words.T).argmax(1) for part in means.split(READ_AT_ONCE)]
    return float((torch.cat(found) == own).double().mean())


@torch.no_grad()
def _size(projector: nn.Linear, tokens: Tensor) -> float:
    """Root mean square of the dimensions of projected tokens (n, 64, A)."""
    # Clip by clip: all at once would be large.
    squares = [projector(clip).double().square().mean() for clip in tokens]
    return float(torch.stack(squares).mean().sqrt())
