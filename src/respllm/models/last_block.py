"""The last block's feed-forward part, computed only where it is read."""

from __future__ import annotations

import threading
from typing import Any

import torch
from torch import Tensor, nn

from respllm.models.packed_attention import PackedRow

_now = threading.local()


def leave_out_texts(layer: Any) -> None:
    """Keep the texts of a packed row out of the last block's feed-forward part.

    The heads read audio positions alone, and no later layer reads the texts' states: two thirds of
    the last block's products would be thrown away for half the rows. Works on any decoder layer
    with a `self_attn` before an `mlp`, through hooks: weights and their names stay as they are.

    Args:
        layer: the decoder's last layer.
    """
    if getattr(layer, "leaves_out_texts", False):
        return  # a model made of the same language model was here before
    layer.leaves_out_texts = True
    # Hooks within the layer also run when a checkpointed layer is computed again.
    layer.self_attn.register_forward_pre_hook(_begin, with_kwargs=True)
    layer.mlp.register_forward_pre_hook(_leave_out)
    layer.mlp.register_forward_hook(_fill)


def _begin(attention: nn.Module, args: tuple, kwargs: dict[str, Any]) -> None:
    packed: PackedRow | None = kwargs.get("packed")
    _now.unread = 0 if packed is None or packed.packing.audio is None else packed.text_rows


def _leave_out(mlp: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (args[0][:, _now.unread :], *args[1:])


def _fill(mlp: nn.Module, args: tuple[Tensor, ...], out: Tensor) -> Tensor:
    if not _now.unread:
        return out
    return torch.cat([out.new_zeros((1, _now.unread, out.shape[2])), out], 1)
