"""Integrated Gradients of a RespLLM, one example at a time, exactly as the model answers.

Sundararajan et al. (2017), by captum.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from respllm.batching import Batch
from respllm.models import RespLLM

STEPS = 32
ROWS_AT_ONCE = 16

Tokens = dict[str, np.ndarray]
"""Each token's share: "prompt" (Lp,), "DMS" (Ld,), "audio" (64,)."""


def log_odds_of(model: RespLLM, batch: Batch) -> Callable[[Tensor, Tensor, Tensor], Tensor]:
    """The model as a function of embedded words and audio tokens, for a batch of one example.

    The model itself computes the answer; only what its embedding returns is replaced.

    Returns:
        (n, Lp, S) prompt, (n, Ld, S) DMS, (n, 64, A) audio -> (n,) log-odds of answer 1.
    """

    def log_odds(prompt: Tensor, dms: Tensor, audio: Tensor) -> Tensor:
        rows = len(audio)
        many = replace(
            batch,
            prompt_ids=batch.prompt_ids.repeat(rows, 1),
            prompt_lengths=batch.prompt_lengths.repeat(rows),
            prompt_of=torch.arange(rows, device=audio.device),
            dms_ids=batch.dms_ids.repeat(rows, 1),
            dms_lengths=batch.dms_lengths.repeat(rows),
            audio=audio,
            labels=batch.labels.repeat(rows),
            weights=batch.weights.repeat(rows),
        )
        with _embedded(model, many, prompt, dms):
            logits = model.padded(many)
        # A model that is not told of the sound has no gradient there: 0, not an error.
        unread = 0 * (audio.sum((1, 2)) + dms.sum((1, 2)))
        return logits[:, 1] - logits[:, 0] + unread

    return log_odds


@contextmanager
def _embedded(model: RespLLM, batch: Batch, prompt: Tensor, dms: Tensor) -> Iterator[None]:
    """Let the word embedding return these vectors for the batch's prompts and DMS texts.

    Other batches, of other threads, are embedded as ever.
    """
    given_for = {id(batch.prompt_ids): prompt, id(batch.dms_ids): dms}

    def given(module: torch.nn.Module, args: tuple[Tensor, ...], output: Tensor) -> Tensor:
        words = given_for.get(id(args[0]))
        return output if words is None else words.to(output.dtype)

    hook = model.llm.get_input_embeddings().register_forward_hook(given)
    try:
        yield
    finally:
        hook.remove()


def embedded_inputs(model: RespLLM, batch: Batch) -> tuple[Tensor, Tensor, Tensor]:
    """What `log_odds_of` takes, for the example of the batch itself; float32."""
    embedding = model.llm.get_input_embeddings()
    with torch.no_grad():
        prompt, dms = embedding(batch.prompt_ids), embedding(batch.dms_ids)
    return prompt.float(), dms.float(), batch.audio


def token_attributions(
    model: RespLLM, batch: Batch, mean_audio: Tensor, neutral_word: int
) -> tuple[Tokens, float, float]:
    """Integrated Gradients of one example.

    Args:
        model: in evaluation mode.
        batch: of one example, on the model's device.
        mean_audio: (1, 64, A) the audio baseline.
        neutral_word: token id of the words' baseline.

    Returns:
        "prompt" (Lp,), "DMS" (Ld,), "audio" (64,): each token's share of the log-odds; how far
        their sum is off; the log-odds minus those of the baseline.
    """
    from captum.attr import IntegratedGradients

    log_odds = log_odds_of(model, batch)
    inputs = embedded_inputs(model, batch)
    with torch.no_grad():
        word = torch.tensor([[neutral_word]], device=batch.audio.device)
        neutral = model.llm.get_input_embeddings()(word).float()
    baselines = (neutral.expand_as(inputs[0]), neutral.expand_as(inputs[1]), mean_audio)
    parts, delta = IntegratedGradients(log_odds).attribute(
        inputs,
        baselines,
        n_steps=STEPS,
        internal_batch_size=ROWS_AT_ONCE,
        return_convergence_delta=True,
    )
    tokens = {
        name: part.sum(-1)[0].double().cpu().numpy()
        for name, part in zip(("prompt", "DMS", "audio"), parts, strict=True)
    }
    with torch.no_grad():
        change = log_odds(*inputs) - log_odds(*baselines)
    return tokens, float(delta), float(change)
