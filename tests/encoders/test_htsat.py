"""What is laid out for a processor computes what `ClapAudioModel` does."""

from __future__ import annotations

import pytest
import torch
from transformers import ClapAudioConfig, ClapAudioModel

from respllm.encoders.htsat import TOGETHER, HtsAt
from respllm.encoders.htsat_encoder import raster
from tests.encoders.conftest import mels


@pytest.fixture(scope="module")
def network() -> ClapAudioModel:
    """The shape of HTS-AT, narrow; every weight has an effect."""
    torch.manual_seed(0)
    network = ClapAudioModel(
        ClapAudioConfig(
            patch_embeds_hidden_size=16,
            hidden_size=128,
            depths=[2, 2, 6, 2],
            num_attention_heads=[1, 2, 4, 8],
        )
    )
    for name, tensor in network.state_dict().items():
        if tensor.is_floating_point():
            spread = 0.3 * torch.randn_like(tensor)
            tensor.copy_(spread.abs() + 0.5 if name.endswith("running_var") else tensor + spread)
    return network.eval().requires_grad_(False)


def plain(network: ClapAudioModel, mel: torch.Tensor) -> torch.Tensor:
    return raster(network(mel[:, None]).last_hidden_state)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_equals_the_plain_model(network: ClapAudioModel, threads: int) -> None:
    mel = mels(TOGETHER + 1)
    expected = plain(network, mel)
    before = torch.get_num_threads()
    torch.set_num_threads(threads)  # how many windows are computed at once follows from them
    try:
        found = HtsAt(network)(mel)
    finally:
        torch.set_num_threads(before)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()


def test_the_caller_may_be_in_inference_mode(network: ClapAudioModel) -> None:
    with torch.inference_mode():
        laid_out = HtsAt(network)
        inside = laid_out(mels(1))
    assert torch.equal(laid_out(mels(1)), inside)
