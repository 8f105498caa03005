"""Logits of many examples, in their own order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import nn

from respllm.batching import Batchable, length_sorted_batches


@torch.inference_mode()
def predict_logits(
    model: nn.Module,
    examples: Batchable,
    positions: Sequence[int] | None = None,
    *,
    batch_size: int = 32,
    bf16: bool = False,
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
        progress: called with (examples done, examples in all).

    Returns:
        (n,) float64, in the order of `positions`.
    """
    rows = np.arange(len(examples)) if positions is None else np.asarray(positions, int)
    device = next(model.parameters()).device
    result = np.zeros(len(rows))
    was_training = model.training
    model.eval()
    done = 0
    # Alike lengths together: less padding to compute.
    for chosen in length_sorted_batches([examples.length(i) for i in rows], batch_size):
        batch = examples.batch([int(i) for i in rows[chosen]]).to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=bf16):
            logits = model(batch)
        result[chosen] = (logits[:, 1] - logits[:, 0]).double().cpu().numpy()
        done += len(chosen)
        if progress is not None:
            progress(done, len(rows))
    model.train(was_training)
    return result
