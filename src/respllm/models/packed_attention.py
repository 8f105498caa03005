"""Attention for rows packed by `respllm.batching.pack`, in any decoder of `transformers`.

Registered as an attention implementation of its own, so that every architecture's weights and
layers are used as they are. Without a packing it is scaled dot product attention as usual.

On a processor it is written out in matrix products: at the lengths of this project the fused kernel
of torch 2.13 reaches 45 GFLOP/s in either precision and three times less in bfloat16's backward
pass, where batched products reach 120 (float32) and 320 (bfloat16); see docs/performance.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from respllm.batching import AttentionGroup, Packing

PACKED_ATTENTION = "respllm_packed"


@dataclass(slots=True)
class PackedRow:
    """What the attention of one forward pass must know.

    Attributes:
        packing: of the row.
        keys, values: per layer, (K, Hkv, D), of rows that were computed before; empty: none.
        collected: if a list, each layer appends the row's own keys and values, (N, Hkv, D).
    """

    packing: Packing
    keys: list[Tensor] = field(default_factory=list)
    values: list[Tensor] = field(default_factory=list)
    collected: list[tuple[Tensor, Tensor]] | None = None

    @property
    def text_rows(self) -> int:
        """T; the audio rows follow."""
        return len(self.packing.text_ids)


def packed_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    scaling: float | None = None,
    dropout: float = 0.0,
    softcap: float | None = None,
    packed: PackedRow | None = None,
    **kwargs: Any,
) -> tuple[Tensor, None]:
    """Attention as `transformers` calls it: (B, H, L, D) to (B, L, H, D).

    Args:
        module: knows its layer.
        query: (1, H, N, D) for a packed row.
        key, value: (1, Hkv, N, D) for a packed row.
        attention_mask: not read for a packed row.
        scaling: of the scores; None: 1 / sqrt(D).
        softcap: bound of the scores (Gemma-2).
        packed: None for sequences that are not packed.
    """
    scale = query.shape[-1] ** -0.5 if scaling is None else scaling
    if packed is None:
        if softcap is None:
            return sdpa_attention_forward(
                module, query, key, value, attention_mask, dropout, scaling, **kwargs
            )
        return _whole(query * scale, key, value, attention_mask, softcap), None
    assert not dropout, "a shared beginning would share one dropout mask"
    # Rotation leaves float32 queries beside bfloat16 values under autocast.
    queries = (query[0] * scale).to(value.dtype).contiguous()
    keys, values = key[0].to(value.dtype).contiguous(), value[0].contiguous()
    if packed.collected is not None:
        packed.collected.append((keys.transpose(0, 1), values.transpose(0, 1)))
    if packed.keys:
        layer = module.layer_idx
        keys = torch.cat([packed.keys[layer].transpose(0, 1), keys], 1)
        values = torch.cat([packed.values[layer].transpose(0, 1), values], 1)
    packing = packed.packing
    # Nothing reads the last layer's states of texts.
    last = module.layer_idx == module.config.num_hidden_layers - 1 and packing.audio is not None
    groups = () if last else packing.texts
    found = [
        _grouped(queries, keys, values, group, softcap)
        for group in (*groups, *((packing.audio,) if packing.audio is not None else ()))
    ]
    if last:
        blank = found[0].new_zeros((packed.text_rows, *found[0].shape[1:]))
        return torch.cat([blank, *found])[None], None
    return torch.cat(found).index_select(0, packing.order)[None], None


def _grouped(
    queries: Tensor, keys: Tensor, values: Tensor, group: AttentionGroup, softcap: float | None
) -> Tensor:
    """Outputs of a group's queries, padding included, (S Lq, H, D)."""
    q = _taken(queries, group.queries)
    k, v = _taken(keys, group.keys), _taken(values, group.keys)
    more = len(q) // len(k)
    if softcap is None and q.device.type == "cpu":
        asking = q.unflatten(0, (-1, more)).transpose(1, 2).contiguous()
        out: Tensor = _Attend.apply(asking, k, v, group.hidden)
        return out.transpose(1, 2).flatten(0, 1).permute(1, 2, 0, 3).flatten(0, 1)
    q, k, v = (part.transpose(0, 1) for part in (q, k, v))
    readable = ~group.hidden[:, None]
    if softcap is not None:
        return _whole(q, k, v, readable, softcap).flatten(0, 1)
    if more > 1:  # with a mask, no fused kernel reads a head of keys for several of queries
        k, v = k.repeat_interleave(more, 1), v.repeat_interleave(more, 1)
    out = nn.functional.scaled_dot_product_attention(q, k, v, attn_mask=readable, scale=1.0)
    return out.transpose(1, 2).flatten(0, 1)


def _taken(heads: Tensor, rows: Tensor) -> Tensor:
    """(H, N, D) at rows (S, L) to (H, S, L, D)."""
    return heads.index_select(1, rows.flatten()).view(len(heads), *rows.shape, heads.shape[2])


class _Attend(torch.autograd.Function):
    """softmax(q k^T) v with its gradient, in batched matrix products.

    Shapes: Hkv heads of keys, g queries' heads for each, S stretches.
    """

    @staticmethod
    def forward(ctx: Any, q: Tensor, k: Tensor, v: Tensor, hidden: Tensor) -> Tensor:
        """q (Hkv, S, g, Lq, D), k and v (Hkv, S, Lk, D), hidden (S, Lq, Lk) to q's shape."""
        with torch.autocast(q.device.type, enabled=False):
            scores = torch.bmm(q.flatten(2, 3).flatten(0, 1), k.flatten(0, 1).mT)
            scores.view(*q.shape[:4], -1).masked_fill_(hidden[:, None], torch.finfo(q.dtype).min)
            shares = torch.softmax(scores, -1)
            out = torch.bmm(shares, v.flatten(0, 1))
        ctx.save_for_backward(q, k, v, shares)
        return out.view(q.shape)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of q, k and v."""
        q, k, v, shares = ctx.saved_tensors
        out = gradients[0].contiguous().flatten(2, 3).flatten(0, 1)
        of_v = torch.bmm(shares.mT, out)
        of_shares = torch.bmm(out, v.flatten(0, 1).mT)
        of_scores = torch._softmax_backward_data(of_shares, shares, -1, shares.dtype)
        of_q = torch.bmm(of_scores, k.flatten(0, 1))
        of_k = torch.bmm(of_scores.mT, q.flatten(2, 3).flatten(0, 1))
        return of_q.view_as(q), of_k.view_as(k), of_v.view_as(v), None


def _whole(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, softcap: float
) -> Tensor:
    """Attention with bounded scores, (B, H, L, D) to (B, L, H, D); mask: True may be read."""
    more = query.shape[1] // key.shape[1]
    keys, values = (part.repeat_interleave(more, 1) for part in (key, value))
    scores = torch.tanh(query @ keys.mT / softcap) * softcap
    if mask is None:
        mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
    scores = scores.masked_fill(~mask, torch.finfo(scores.dtype).min)
    shares = torch.softmax(scores, -1, dtype=torch.float32).to(query.dtype)
    return (shares @ values).transpose(1, 2)


AttentionInterface.register(PACKED_ATTENTION, packed_attention)
AttentionMaskInterface.register(PACKED_ATTENTION, sdpa_mask)
