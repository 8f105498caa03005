from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from respllm.audio import FRONTEND
from respllm.audio.describing import KINDS
from respllm.encoders import htsat_checkpoint, load_encoder
from respllm.encoders.architectures import ARCHITECTURES
from respllm.encoders.pretrained import PretrainedHtsat, new_network
from respllm.errors import CheckpointError
from respllm.pretraining.audio.views import patches
from tests.encoders.conftest import mels
from tests.encoders.htsat_file import write_random


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random(tmp_path_factory.mktemp("small"))


def test_the_compact_one_is_compact() -> None:
    size = sum(p.numel() for p in new_network(ARCHITECTURES["htsat-small"], 0).parameters())
    assert size < 8_000_000


def test_a_saved_encoder_comes_back_but_for_rounding(folder: Path) -> None:
    found = load_encoder("htsat-small", folder)
    assert isinstance(found, PretrainedHtsat)
    assert found.made == {"seed": 1}
    again = load_encoder("htsat-small", folder / htsat_checkpoint.WEIGHTS)
    assert again.identity == found.identity
    assert torch.equal(again.tokens(mels(2)), found.tokens(mels(2)))
    exact = new_network(ARCHITECTURES["htsat-small"], 1)
    for name, own in exact.state_dict().items():
        if own.is_floating_point() and "running" not in name:
            assert torch.allclose(found.network.state_dict()[name], own, rtol=1e-3, atol=1e-6)


def test_identity_follows_the_weights(folder: Path, tmp_path: Path) -> None:
    identity = load_encoder("htsat-small", folder).identity
    other = load_encoder("htsat-small", write_random(tmp_path, seed=2)).identity
    assert identity != other
    assert identity.startswith("htsat-small-")
    assert identity.endswith(FRONTEND)


def test_a_processor_computes_what_the_library_does(folder: Path) -> None:
    encoder = load_encoder("htsat-small", folder)
    mel = mels(3)
    expected = encoder.trainable_copy()(mel)
    assert torch.allclose(encoder.tokens(mel), expected, atol=1e-4)


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_tokens_are_in_the_order_of_their_patches(name: str) -> None:
    encoder = PretrainedHtsat.untrained(name)
    cells = patches(torch.arange(256 * 64).view(1, 256, 64), ARCHITECTURES[name])[0]
    mel = mels(1)
    for token in (3, 40, 63):
        changed = mel.clone().flatten()
        changed[cells[token]] += 1
        moved = encoder.tokens(changed.view(1, 256, 64)) - encoder.tokens(mel)
        assert int(moved.norm(dim=2).argmax()) == token


@pytest.mark.parametrize("name", sorted(ARCHITECTURES))
def test_a_token_ends_with_what_is_known_of_its_patch(name: str) -> None:
    encoder, architecture = PretrainedHtsat.untrained(name), ARCHITECTURES[name]
    mel = mels(2)
    frames, bands = architecture.patch
    known = encoder.tokens(mel)[:, :, architecture.width :]
    assert known.shape == (2, 64, KINDS * bands)
    cells = patches(mel, architecture).unflatten(2, (frames, bands))
    levels = known.unflatten(2, (bands, KINDS))[..., 0]
    assert torch.allclose(levels, cells.mean(dim=2), atol=1e-5)


def test_untrained_weights_follow_their_seed() -> None:
    torch.manual_seed(0)
    before = torch.rand(1)
    torch.manual_seed(0)
    first, again = (PretrainedHtsat.untrained("htsat-small", 3) for _ in range(2))
    assert torch.equal(before, torch.rand(1))
    assert torch.equal(first.tokens(mels(1)), again.tokens(mels(1)))
    assert "untrained-3" in first.identity


def test_without_shipped_weights_the_error_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("respllm.encoders.pretrained.SHIPPED", tmp_path)
    with pytest.raises(CheckpointError, match="pretrain audio"):
        load_encoder("htsat-small")


def test_a_checkpoint_of_another_size_is_refused(folder: Path) -> None:
    with pytest.raises(CheckpointError, match="'htsat-small'"):
        load_encoder("htsat", folder)


def test_other_bytes_are_refused(tmp_path: Path) -> None:
    weights = write_random(tmp_path) / htsat_checkpoint.WEIGHTS
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    with pytest.raises(CheckpointError, match="not those that the description names"):
        load_encoder("htsat-small", tmp_path)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("format_version", 2, "Format version 2"),
        ("frontend", "opera-0", "front-end 'opera-0'"),
        ("architecture", "htsat-tiny", "htsat-small"),
        ("architecture", ["htsat"], "architecture"),
        ("made", None, "architecture"),
    ],
)
def test_a_description_of_something_else_is_refused(
    key: str, value: object, message: str, tmp_path: Path
) -> None:
    path = write_random(tmp_path) / htsat_checkpoint.DESCRIPTION
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(CheckpointError, match=message):
        load_encoder("htsat-small", tmp_path)


@pytest.mark.parametrize("content", ["", "[]", "{", "[" * 100_000])
def test_a_damaged_description_is_one_clear_error(content: str, tmp_path: Path) -> None:
    (write_random(tmp_path) / htsat_checkpoint.DESCRIPTION).write_text(content)
    with pytest.raises(CheckpointError):
        load_encoder("htsat-small", tmp_path)


def test_tensors_that_do_not_fit_are_named(tmp_path: Path) -> None:
    architecture = ARCHITECTURES["htsat-small"]
    state = new_network(architecture, 0).state_dict()
    state["audio_encoder.norm.weight"] = torch.full((256,), torch.nan)
    state["more"] = torch.zeros(1)
    del state["audio_encoder.norm.bias"]
    htsat_checkpoint.save(tmp_path, architecture, state, {})
    with pytest.raises(CheckpointError, match=r"missing .*norm\.bias; unexpected more"):
        load_encoder("htsat-small", tmp_path)
