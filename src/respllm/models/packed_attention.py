"""Attention for rows packed by `respllm.batching.pack`, in any decoder of `transformers`.

Registered as an attention implementation of its own, so that every architecture's weights and
layers are used as they are. Without a packing it is scaled dot product attention as usual.
Packed, it is written out in matrix products (`respllm.models.attending`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from respllm.batching import AttentionGroup, Packing
from respllm.models.attending import Attend, taken

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
    keys: Sequence[Tensor] = ()
    values: Sequence[Tensor] = ()
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
    q = taken(queries, group.queries)
    k, v = taken(keys, group.keys), taken(values, group.keys)
    more = len(q) // len(k)
    if softcap is None:
        asking = q.unflatten(0, (-1, more)).transpose(1, 2).contiguous()
        out: Tensor = Attend.apply(asking, k, v, group.hidden)
        return out.transpose(1, 2).flatten(0, 1).permute(1, 2, 0, 3).flatten(0, 1)
    q, k, v = (part.transpose(0, 1) for part in (q, k, v))
    return _whole(q, k, v, ~group.hidden[:, None], softcap).flatten(0, 1)


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
