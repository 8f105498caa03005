"""softmax(q k^T) v and its gradient in batched matrix products.

At the lengths of this project torch 2.13's fused attention for processors reaches 45 GFLOP/s in
either precision, and less in bfloat16's backward pass; batched products reach 120 in float32 and
320 in bfloat16 (docs/performance.md). On a GPU, fused attention with a mask is not deterministic.

Shapes: Hkv heads of keys, g heads of queries for each, S stretches, Lq queries, Lk keys, D width.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def taken(heads: Tensor, rows: Tensor) -> Tensor:
    """(H, N, D) at rows (S, L) to (H, S, L, D)."""
    return heads.index_select(1, rows.flatten()).view(len(heads), *rows.shape, heads.shape[2])


def attend(q: Tensor, k: Tensor, v: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
    """What each query reads, and the shares it gives to keys.

    Args:
        q: (Hkv, S, g, Lq, D), contiguous and scaled.
        k, v: (Hkv, S, Lk, D), contiguous.
        hidden: (S, Lq, Lk) bool, True where a query must not read.

    Returns:
        (Hkv, S, g, Lq, D), and (Hkv S, g Lq, Lk).
    """
    scores = torch.bmm(q.flatten(2, 3).flatten(0, 1), k.flatten(0, 1).mT)
    scores.view(*q.shape[:4], -1).masked_fill_(hidden[:, None], torch.finfo(q.dtype).min)
    shares = torch.softmax(scores, -1)
    return torch.bmm(shares, v.flatten(0, 1)).view(q.shape), shares


def attend_backward(
    of_out: Tensor, q: Tensor, k: Tensor, v: Tensor, shares: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of q, k and v, from that of the output (Hkv, S, g, Lq, D), contiguous."""
    out = of_out.flatten(2, 3).flatten(0, 1)
    of_v = torch.bmm(shares.mT, out)
    of_shares = torch.bmm(out, v.flatten(0, 1).mT)
    of_scores = torch._softmax_backward_data(of_shares, shares, -1, shares.dtype)
    of_q = torch.bmm(of_scores, k.flatten(0, 1))
    of_k = torch.bmm(of_scores.mT, q.flatten(2, 3).flatten(0, 1))
    return of_q.view(q.shape), of_k.view(k.shape), of_v.view(v.shape)


class Attend(torch.autograd.Function):
    """`attend` for autograd."""

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, hidden: Tensor) -> Tensor:
        """See `attend`."""
        with torch.autocast(q.device.type, enabled=False):
            out, shares = attend(q, k, v, hidden)
        ctx.save_for_backward(q, k, v, shares)
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """See `attend_backward`."""
        return (*attend_backward(gradients[0].contiguous(), *ctx.saved_tensors), None)
