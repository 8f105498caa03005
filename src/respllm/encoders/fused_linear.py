"""Linear layers with what follows them in one pass, where oneDNN is there; plain ones elsewhere.

oneDNN's float32 products beat MKL's by about 8% on an AMD EPYC, and an activation or a sum costs no
second pass. torch offers them to its compiler only (`torch.ops.mkldnn`), so they are tried before
they are trusted.
"""

from __future__ import annotations

from functools import cache

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def linear(x: Tensor, layer: nn.Linear) -> Tensor:
    """(n, in) to (n, out), on a processor and without gradients, as all of this file."""
    if not _has_onednn(x.dtype):
        return layer(x)
    return torch.ops.mkldnn._linear_pointwise(x, layer.weight, layer.bias, "none", [], "")


def linear_gelu(x: Tensor, layer: nn.Linear) -> Tensor:
    """GELU (the exact one) of a linear layer."""
    if not _has_onednn(x.dtype):
        return F.gelu(layer(x))
    return torch.ops.mkldnn._linear_pointwise(x, layer.weight, layer.bias, "gelu", [], "none")


def linear_plus(x: Tensor, layer: nn.Linear, other: Tensor) -> Tensor:
    """A linear layer plus `other` (n, out)."""
    if not _has_onednn(x.dtype):
        return layer(x).add_(other)
    pointwise = torch.ops.mkldnn._linear_pointwise
    return pointwise.binary(x, other, layer.weight, layer.bias, "add")


@cache
def _has_onednn(dtype: torch.dtype) -> bool:
    x = torch.linspace(-1, 1, 64).reshape(4, 16).to(dtype)
    weight, bias, other = x.flip(0), x[:, 0], x[:, :4]
    try:
        ops = torch.ops.mkldnn._linear_pointwise
        found = (
            ops(x, weight, bias, "none", [], ""),
            ops(x, weight, bias, "gelu", [], "none"),
            ops.binary(x, other, weight, bias, "add"),
        )
    except (AttributeError, RuntimeError, TypeError):  # another torch, or another processor
        return False
    plain = F.linear(x, weight, bias)
    close = 1e-5 if dtype == torch.float32 else 0.1
    return all(
        torch.allclose(one, expected, atol=close, rtol=close)
        for one, expected in zip(found, (plain, F.gelu(plain), plain + other), strict=True)
    )
