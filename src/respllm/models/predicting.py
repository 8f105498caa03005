"""Logits of many examples, in their own order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from respllm.batching import Batchable, ahead, alike_batches
from respllm.models.prompt_memory import PromptMemory
from respllm.models.respllm import RespLLM


@torch.inference_mode()
def predict_logits(
    model: nn.Module,
    examples: Batchable,
    positions: Sequence[int] | None = None,
    *,
    batch_size: int = 32,
    bf16: bool = False,
    memory: PromptMemory | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> np.ndarray:
    """Log-odds of answer 1 against 0.

    Args:
        model: anything that maps a batch of `examples` to (B, 2) logits; used in evaluation mode,
            and left in the mode it was in.
        examples: what is asked.
        positions: which examples; None asks all.
        batch_size: examples computed at once; it does not change a result.
        bf16: compute in bfloat16.
        memory: of a RespLLM, its prompts read in earlier calls with the same weights and precision;
            None reads each prompt once in this call.
        progress: called with (examples done, examples in all).

    Returns:
        (n,) float64, in the order of `positions`.
    """
    rows = np.arange(len(examples)) if positions is None else np.asarray(positions, int)
    device = next(model.parameters()).device
    result = np.zeros(len(rows))
    was_training = model.training
    model.eval()
    # An empty memory is false, but it is the one to fill.
    kept = (PromptMemory() if memory is None else memory,) if isinstance(model, RespLLM) else ()
    done = 0
    order = alike_batches([examples.sort_key(i) for i in rows], batch_size)
    batches = ahead(lambda chosen: examples.batch(rows[chosen].tolist()), order)
    try:
        for chosen, batch in batches:
            with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                logits = model(batch.to(device), *kept)
            result[chosen] = (logits[:, 1] - logits[:, 0]).double().cpu().numpy()
            done += len(chosen)
            if progress is not None:
                progress(done, len(rows))
    finally:
        batches.close()
        model.train(was_training)
    return result
