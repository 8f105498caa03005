"""Logits of many examples, in their own order."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from respllm.batching import Batchable, ahead, alike_batches
from respllm.models.out_of_memory import OutOfMemoryError
from respllm.models.prompt_memory import PromptMemory
from respllm.models.respllm import RespLLM

_log = logging.getLogger(__name__)


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

    Where the GPU's memory does not hold what is computed at once, half of it is from then on, which
    is logged; it does not change a result.

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

    Raises:
        OutOfMemoryError: one example at a time is too much.
    """
    rows = np.arange(len(examples)) if positions is None else np.asarray(positions, int)
    device = next(model.parameters()).device
    result = np.zeros(len(rows))
    was_training = model.training
    model.eval()
    # An empty memory is false, but it is the one to fill.
    kept = (PromptMemory() if memory is None else memory,) if isinstance(model, RespLLM) else ()
    done, at_once = 0, batch_size
    order = alike_batches([examples.sort_key(i) for i in rows], batch_size)
    batches = ahead(lambda chosen: examples.batch(rows[chosen].tolist()), order)
    try:
        for chosen, batch in batches:
            left = [chosen]
            while left:
                part = left.pop()
                if len(part) > at_once:
                    left += [part[at_once:], part[:at_once]]
                    continue
                read = batch if part is chosen else examples.batch(rows[part].tolist())
                logits = None
                try:
                    with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
                        logits = model(read.to(device), *kept)
                except torch.OutOfMemoryError:
                    left.append(part)  # what was computed is only free once this has ended
                if logits is None:
                    at_once = _less(len(part), device)
                else:
                    result[part] = (logits[:, 1] - logits[:, 0]).double().cpu().numpy()
            done += len(chosen)
            if progress is not None:
                progress(done, len(rows))
    finally:
        batches.close()
        model.train(was_training)
    return result


def _less(at_once: int, device: torch.device) -> int:
    """How many examples to compute at once when so many were too much."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    if at_once == 1:
        raise OutOfMemoryError(
            "The memory of the GPU does not hold the answer to one example",
            where=f"device {device}",
            expected="room for the model and one example",
            next_step="set dtype bfloat16 or a smaller language model, or free the GPU of other "
            "programs",
        )
    _log.warning("Out of GPU memory: %d examples are answered at once from here on", at_once // 2)
    return at_once // 2
