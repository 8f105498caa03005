from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.nn.functional import gelu

from respllm.encoders import fused_linear
from respllm.encoders.fused_linear import linear, linear_gelu, linear_plus


@pytest.mark.parametrize("onednn", [True, False])
@pytest.mark.parametrize(("dtype", "close"), [(torch.float32, 1e-5), (torch.bfloat16, 0.05)])
@torch.no_grad()
def test_it_is_a_linear_layer_and_what_follows(
    dtype: torch.dtype, close: float, onednn: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not onednn:
        monkeypatch.setattr(fused_linear, "_has_onednn", lambda dtype: False)
    torch.manual_seed(0)
    layer, x, other = nn.Linear(24, 40), torch.randn(50, 24), torch.randn(50, 40)
    plain = layer(x)
    before = other.clone()
    layer, x, other = layer.to(dtype), x.to(dtype), other.to(dtype)
    for found, expected in (
        (linear(x, layer), plain),
        (linear_gelu(x, layer), gelu(plain)),
        (linear_plus(x, layer, other), plain + before),
    ):
        assert found.dtype == dtype
        assert torch.allclose(found.float(), expected, atol=close, rtol=close)
    assert torch.equal(other, before.to(dtype))
