"""What every registered encoder promises."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch

from respllm.audio import FRONTEND
from respllm.encoders import ENCODERS, AudioEncoder, load_encoder
from respllm.encoders.architectures import ARCHITECTURES
from respllm.errors import ConfigError, RespllmError
from tests.encoders.conftest import mels
from tests.encoders.htsat_file import write_random


@pytest.fixture(scope="module", params=sorted(ENCODERS))
def encoder(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AudioEncoder:
    if request.param == "opera-ct":
        return request.getfixturevalue("opera")
    if request.param in ARCHITECTURES:
        folder = write_random(tmp_path_factory.mktemp("encoder"), request.param)
        return load_encoder(request.param, folder)
    return load_encoder(request.param)


def test_tokens_have_the_stated_shape(encoder: AudioEncoder) -> None:
    tokens = encoder.tokens(mels(2))
    assert tokens.shape == (2, 64, encoder.width)
    assert tokens.dtype == torch.float32
    assert torch.isfinite(tokens).all()
    assert encoder.n_tokens == 64
    assert encoder.tokens(mels(0)).shape == (0, 64, encoder.width)


def test_tokens_do_not_depend_on_batch_mates(encoder: AudioEncoder) -> None:
    mel = mels(5)
    together = encoder.tokens(mel)
    alone = torch.cat([encoder.tokens(one[None]) for one in mel.flip(0)]).flip(0)
    assert torch.allclose(together, alone, atol=1e-6, rtol=1e-6)


def test_it_is_frozen_for_good(encoder: AudioEncoder) -> None:
    before = encoder.tokens(mels(1))
    model = torch.nn.ModuleList([encoder])
    model.train()
    assert not any(module.training for module in encoder.modules())
    assert not any(parameter.requires_grad for parameter in model.parameters())
    after = encoder.tokens(mels(1).requires_grad_())
    assert not after.requires_grad
    assert torch.equal(before, after)


def test_identity_names_encoder_and_front_end(encoder: AudioEncoder) -> None:
    assert encoder.identity.startswith(encoder.name)
    assert encoder.identity.endswith(FRONTEND)
    assert re.fullmatch(r"[A-Za-z0-9.-]+", encoder.identity)


@pytest.mark.parametrize("shape", [(256, 64), (1, 64, 256), (1, 256, 65), (1, 1, 256, 64)])
def test_another_shape_is_refused(encoder: AudioEncoder, shape: tuple[int, ...]) -> None:
    with pytest.raises(RespllmError, match=r"256, 64"):
        encoder.tokens(torch.zeros(shape))


def test_an_unknown_name_brings_the_nearest() -> None:
    with pytest.raises(ConfigError, match="Did you mean 'opera-ct'"):
        load_encoder("opera_ct")


def test_a_checkpoint_for_an_encoder_without_weights_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no weights"):
        load_encoder("mel-patch", tmp_path / "any.ckpt")


def test_without_weights_there_is_no_precision() -> None:
    coarse, plain = load_encoder("mel-patch", precision="bfloat16"), load_encoder("mel-patch")
    assert coarse.cache_identity == plain.cache_identity == plain.identity
    assert torch.equal(coarse.tokens(mels(1)), plain.tokens(mels(1)))


def test_mel_patch_tokens_are_four_frames_each() -> None:
    mel = mels(1)
    tokens = load_encoder("mel-patch").tokens(mel)
    assert torch.equal(tokens[0, 0], mel[0, :4].flatten())
    assert torch.equal(tokens[0, 63], mel[0, 252:].flatten())
