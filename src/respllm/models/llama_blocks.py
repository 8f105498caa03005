"""Llama's blocks on a packed row: the weights of `transformers`, written out with their gradient.

The same function as the library's decoder layers. What is saved: rotations, norms and
residual sums in place or within a matrix product, adapters added into the query and value they
adapt, one gradient instead of a chain of small ones, and in the last block only what is read: keys
and values of all rows, all else of the audio rows. Frozen weights need no gradient, so nothing that
only they would need is kept.

Shapes: N rows, S width, H heads, Hkv heads of keys, D their width.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from transformers.models.llama.modeling_llama import LlamaDecoderLayer
from transformers.models.mistral.modeling_mistral import MistralDecoderLayer

from respllm.batching import AttentionGroup
from respllm.models.attending import attend, attend_backward, taken
from respllm.models.packed_attention import PackedRow

LAYERS = (LlamaDecoderLayer, MistralDecoderLayer)


@dataclass(frozen=True, slots=True)
class _Adapter:
    """x A^T B^T scale, added to a projection."""

    down: Tensor
    up: Tensor
    scale: float


@dataclass(frozen=True, slots=True)
class _Layer:
    """The frozen weights of a block, (out, in) each."""

    before_attention: Tensor
    before_mlp: Tensor
    epsilon: float
    query: Tensor
    key: Tensor
    value: Tensor
    output: Tensor
    gate: Tensor
    up: Tensor
    down: Tensor


@dataclass(frozen=True, slots=True)
class _Row:
    """What a block must know of the packed row.

    Attributes:
        cos, sin: (N, D) of each row's position.
        first: the row from which on this block's output is read.
        heads, key_heads: H and Hkv.
    """

    packed: PackedRow
    layer: int
    cos: Tensor
    sin: Tensor
    first: int
    heads: int
    key_heads: int


def can_run(llm: Any, embedded: Tensor) -> bool:
    """Whether `run` computes what the model would: its kind, precision and training."""
    layer = llm.layers[0]
    if type(layer) not in LAYERS or layer.gradient_checkpointing:
        return False
    config = llm.config
    biased = getattr(config, "attention_bias", False) or getattr(config, "mlp_bias", False)
    weight = _base(layer.mlp.gate_proj).weight
    trained = torch.is_grad_enabled() and any(
        parameter.requires_grad and "lora_" not in name
        for name, parameter in llm.layers.named_parameters()
    )
    device = embedded.device.type
    if torch.is_autocast_enabled(device) and weight.dtype != torch.get_autocast_dtype(device):
        return False
    same = weight.dtype == embedded.dtype
    silent = not (llm.training and config.attention_dropout)
    plain = config.hidden_act == "silu" and not biased and silent
    return plain and not trained and same and all(map(_adapted_as_known, llm.layers))


def _adapted_as_known(layer: Any) -> bool:
    """Whether adapters that are not merged sit on query and value alone, one each, switched on."""
    attention = layer.self_attn
    adapted = [m for m in layer.modules() if hasattr(m, "lora_A") and not m.merged]
    known = (attention.q_proj, attention.v_proj)
    return all(
        any(module is one for one in known)
        and len(module.active_adapters) == 1
        and not module.disable_adapters
        for module in adapted
    )


def run(llm: Any, embedded: Tensor, packed: PackedRow) -> Tensor:
    """(N, S) embedded rows to the last hidden states of the audio rows, or of texts alone."""
    cos, sin = llm.rotary_emb(embedded[None], position_ids=packed.packing.positions[None])
    hidden = embedded
    last = len(llm.layers) - 1
    for number, layer in enumerate(llm.layers):
        attention = layer.self_attn
        query, value = _adapter(attention.q_proj), _adapter(attention.v_proj)
        row = _Row(
            packed,
            number,
            cos[0],
            sin[0],
            packed.text_rows if number == last and packed.packing.audio is not None else 0,
            llm.config.num_attention_heads,
            llm.config.num_key_value_heads,
        )
        frozen = _Layer(
            layer.input_layernorm.weight,
            layer.post_attention_layernorm.weight,
            layer.input_layernorm.variance_epsilon,
            _base(attention.q_proj).weight,
            _base(attention.k_proj).weight,
            _base(attention.v_proj).weight,
            _base(attention.o_proj).weight,
            _base(layer.mlp.gate_proj).weight,
            _base(layer.mlp.up_proj).weight,
            _base(layer.mlp.down_proj).weight,
        )
        adapters = (*_parts(query), *_parts(value))
        scales = (query.scale if query else 0.0, value.scale if value else 0.0)
        hidden = _Block.apply(hidden, *adapters, frozen, row, scales)
    return llm.norm(hidden)


def _base(module: Any) -> nn.Linear:
    """The frozen matrix, adapted or not."""
    return getattr(module, "base_layer", module)


def _adapter(module: Any) -> _Adapter | None:
    """What is added to a projection; None: nothing, or it is merged into the weights."""
    if not hasattr(module, "lora_A") or module.merged:
        return None
    (name,) = module.active_adapters
    return _Adapter(
        module.lora_A[name].weight, module.lora_B[name].weight, float(module.scaling[name])
    )


def _parts(adapter: _Adapter | None) -> tuple[Tensor | None, Tensor | None]:
    return (None, None) if adapter is None else (adapter.down, adapter.up)


class _Block(torch.autograd.Function):
    """One decoder layer: (N, S) to (N - first, S)."""

    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        query_down: Tensor | None,
        query_up: Tensor | None,
        value_down: Tensor | None,
        value_up: Tensor | None,
        layer: _Layer,
        row: _Row,
        scales: tuple[float, float],
    ) -> Tensor:
        """See `run`."""
        with torch.autocast(x.device.type, enabled=False):
            normed = _norm(x, layer.before_attention, layer.epsilon)
            q, low_query = _project(
                normed[row.first :], layer.query, query_down, query_up, scales[0]
            )
            k = normed @ layer.key.T
            v, low_value = _project(normed, layer.value, value_down, value_up, scales[1])
            scale = (layer.query.shape[0] // row.heads) ** -0.5
            turn = (row.cos[row.first :], row.sin[row.first :])
            queries = _rotate(_heads(q, row.heads), turn[0] * scale, turn[1] * scale)
            keys = _rotate(_heads(k, row.key_heads), row.cos, row.sin)
            values = _heads(v, row.key_heads).contiguous()
            read, kept = _attend_all(queries, keys, values, row)
            middle = (read @ layer.output.T).add_(x[row.first :])
            normed_middle = _norm(middle, layer.before_mlp, layer.epsilon)
            gate = normed_middle @ layer.gate.T
            up = normed_middle @ layer.up.T
            active = nn.functional.silu(gate)
            out = ((active * up) @ layer.down.T).add_(middle)
        ctx.layer, ctx.row, ctx.scales = layer, row, scales
        ctx.save_for_backward(
            *(x, normed, middle, gate, active, up),
            *(query_down, query_up, value_down, value_up, low_query, low_value),
            *kept,
        )
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        """Gradients of the rows and of the adapters."""
        layer, row = ctx.layer, ctx.row
        x, normed, middle, gate, active, up, *others = ctx.saved_tensors
        query_down, query_up, value_down, value_up, low_query, low_value, *parts = others
        of_out = gradients[0].contiguous()
        of_active = of_out @ layer.down
        of_gate = torch.ops.aten.silu_backward(of_active * up, gate)
        of_up = of_active.mul_(active)
        of_normed = (of_gate @ layer.gate).add_(of_up @ layer.up)
        of_middle = _norm_backward(of_normed, middle, layer.before_mlp, layer.epsilon).add_(of_out)
        of_read = of_middle @ layer.output
        of_queries, of_keys, of_values = _attend_all_backward(of_read, parts, row)
        scale = (layer.query.shape[0] // row.heads) ** -0.5
        turn = (row.cos[row.first :] * scale, row.sin[row.first :] * scale)
        of_q = _rotate_back(of_queries, *turn)
        of_k = _rotate_back(of_keys, row.cos, row.sin)
        of_v = of_values.transpose(0, 1).flatten(1)
        of_normed = (of_k @ layer.key).add_(of_v @ layer.value)
        of_value = _adapter_backward(
            of_v, normed, of_normed, value_down, value_up, low_value, ctx.scales[1]
        )
        reading = of_normed[row.first :]
        reading.add_(of_q @ layer.query)
        of_query = _adapter_backward(
            of_q, normed[row.first :], reading, query_down, query_up, low_query, ctx.scales[0]
        )
        of_x = _norm_backward(of_normed, x, layer.before_attention, layer.epsilon)
        of_x[row.first :] += of_middle
        return (of_x, *of_query, *of_value, None, None, None)


def _project(
    x: Tensor, weight: Tensor, down: Tensor | None, up: Tensor | None, scale: float
) -> tuple[Tensor, Tensor | None]:
    """A projection with its adapter, and the adapter's inner states."""
    out = x @ weight.T
    if down is None or up is None:
        return out, None
    low = x @ down.to(x.dtype).T
    return out.addmm_(low, (up * scale).to(x.dtype).T), low


def _adapter_backward(
    of_out: Tensor,
    x: Tensor,
    of_x: Tensor,
    down: Tensor | None,
    up: Tensor | None,
    low: Tensor | None,
    scale: float,
) -> tuple[Tensor | None, Tensor | None]:
    """Gradients of the adapter's weights; adds its part to the gradient of x in place."""
    if down is None or up is None or low is None:
        return None, None
    of_low = of_out @ (up * scale).to(x.dtype)
    of_x.addmm_(of_low, down.to(x.dtype))
    return (of_low.T @ x).to(down.dtype), (of_out.T @ low).to(up.dtype).mul_(scale)


def _norm(x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    return nn.functional.rms_norm(x, weight.shape, weight, epsilon)


def _norm_backward(of_out: Tensor, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
    """Gradient of x: r (g w) - x r^3 mean(g w x), with r = 1 / root mean square."""
    width = x.shape[1]
    squares = torch.linalg.vector_norm(x, dim=1, keepdim=True, dtype=torch.float32).square_()
    inverse = torch.rsqrt(squares / width + epsilon)
    scaled = of_out * weight
    mean = (scaled * x).sum(1, keepdim=True, dtype=torch.float32) / width
    found = scaled.mul_(inverse.to(x.dtype))
    return found.addcmul_(x, (inverse.pow(3) * mean).to(x.dtype), value=-1)


def _heads(x: Tensor, heads: int) -> Tensor:
    """(N, H D) to (H, N, D), a view."""
    return x.view(len(x), heads, -1).transpose(0, 1)


def _rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions (Su et al. 2021), (H, N, D), contiguous."""
    half = x.shape[2] // 2
    out = torch.empty_like(x, memory_format=torch.contiguous_format)
    torch.mul(x, cos, out=out)
    out[..., :half].addcmul_(x[..., half:], sin[:, :half], value=-1)
    out[..., half:].addcmul_(x[..., :half], sin[:, half:])
    return out


def _rotate_back(of_out: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Gradient of what was rotated, (H, N, D) to (N, H D)."""
    heads, rows, width = of_out.shape
    half = width // 2
    found = of_out.new_empty((rows, heads, width))
    view = found.transpose(0, 1)
    torch.mul(of_out, cos, out=view)
    view[..., :half].addcmul_(of_out[..., half:], sin[:, half:])
    view[..., half:].addcmul_(of_out[..., :half], sin[:, :half], value=-1)
    return found.flatten(1)


def _groups(row: _Row) -> Iterator[tuple[AttentionGroup, bool]]:
    """The groups whose outputs are read, in the order of their outputs; whether it is the audio."""
    packing = row.packed.packing
    if not row.first:
        yield from ((group, False) for group in packing.texts)
    if packing.audio is not None:
        yield packing.audio, True


def _attend_all(
    queries: Tensor, keys: Tensor, values: Tensor, row: _Row
) -> tuple[Tensor, list[Tensor]]:
    """Attention of a block: (H, N - first, D) and (Hkv, N, D) to (N - first, H D).

    Also what its gradient needs: queries, keys, values and shares of each group in turn.
    """
    packed = row.packed
    if packed.collected is not None:
        packed.collected.append((keys.transpose(0, 1), values.transpose(0, 1)))
    if packed.keys:
        keys = torch.cat([packed.keys[row.layer].transpose(0, 1), keys], 1)
        values = torch.cat([packed.values[row.layer].transpose(0, 1), values], 1)
    more = row.heads // row.key_heads
    texts = packed.text_rows - row.first
    found: list[Tensor] = []
    kept: list[Tensor] = []
    for group, audio in _groups(row):
        # Audio rows stand as they are asked for.
        q = queries[:, texts:] if audio else queries.index_select(1, group.queries.flatten())
        q = q.reshape(row.key_heads, more, *group.queries.shape, -1).transpose(1, 2).contiguous()
        k, v = taken(keys, group.keys), taken(values, group.keys)
        out, shares = attend(q, k, v, group.hidden)
        kept += [q, k, v, shares]
        # (Hkv, S, g, Lq, D) to (S Lq, H D)
        found.append(out.permute(1, 3, 0, 2, 4).reshape(group.queries.numel(), -1))
    if row.first:
        return found[0], kept
    return torch.cat(found).index_select(0, packed.packing.order), kept


def _attend_all_backward(
    of_read: Tensor, kept: list[Tensor], row: _Row
) -> tuple[Tensor, Tensor, Tensor]:
    """Gradients of queries (H, N - first, D), keys and values (Hkv, N, D)."""
    width = of_read.shape[1] // row.heads
    rows = len(of_read) + row.first
    of_queries = of_read.new_zeros((row.heads, len(of_read), width))
    of_keys, of_values = of_read.new_zeros((2, row.key_heads, rows, width))
    texts = row.packed.text_rows - row.first
    at = 0
    if not row.first:
        outputs = sum(group.queries.numel() for group, _ in _groups(row))
        spread = of_read.new_zeros((outputs, of_read.shape[1]))
        of_read = spread.index_copy_(0, row.packed.packing.order, of_read)
    for number, (group, audio) in enumerate(_groups(row)):
        stretches, length = group.queries.shape
        out = of_read[at : at + stretches * length]
        at += stretches * length
        out = out.view(stretches, length, row.key_heads, -1, width).permute(2, 0, 3, 1, 4)
        q, k, v = attend_backward(out.contiguous(), *kept[4 * number : 4 * number + 4])
        q = q.transpose(1, 2).reshape(row.heads, -1, width)
        read = group.keys.shape[1]
        if audio:  # its own keys come last, and are its rows in order
            read -= length
            own = stretches * length
            of_queries[:, texts:] += q
            of_keys[:, -own:] += k[:, :, read:].flatten(1, 2)
            of_values[:, -own:] += v[:, :, read:].flatten(1, 2)
        else:
            of_queries.index_add_(1, group.queries.flatten(), q)
        positions = group.keys[:, :read].flatten()
        of_keys.index_add_(1, positions, k[:, :, :read].flatten(1, 2))
        of_values.index_add_(1, positions, v[:, :, :read].flatten(1, 2))
    return of_queries, of_keys, of_values
