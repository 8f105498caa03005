"""How many positions an example costs in packed batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from respllm.batching import pack
from respllm.models.respllm import AUDIO_POSITIONS

Texts = tuple[Sequence[int], Sequence[int]]
"""Token ids of a prompt and of a DMS text."""


def mean_positions(
    texts: Sequence[Texts], batches: Iterable[Iterable[int]], *, prompts_kept: bool = False
) -> float:
    """Mean positions of an example, its 64 of audio included.

    Args:
        texts: of all examples.
        batches: positions in `texts` that are computed together.
        prompts_kept: whether prompts were read before, as in prediction.
    """
    prompts = sorted({tuple(prompt) for prompt, _ in texts})
    rows = examples = 0
    for batch in batches:
        chosen = [texts[i] for i in batch]
        if prompts_kept:
            # Which rows are kept does not matter here, only that each prompt has its own.
            kept = [range(n, n + 1) for n in (prompts.index(tuple(p)) for p, _ in chosen)]
            packing = pack([dms for _, dms in chosen], AUDIO_POSITIONS, kept, len(prompts))
        else:
            packing = pack([[*prompt, *dms] for prompt, dms in chosen], AUDIO_POSITIONS)
        rows += len(packing.positions)
        examples += len(chosen)
    return rows / examples
