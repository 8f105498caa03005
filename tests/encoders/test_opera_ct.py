from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from respllm.encoders import AudioEncoder, load_encoder
from respllm.encoders import opera_checkpoint as loader
from respllm.encoders.opera_ct import OperaCT
from respllm.errors import CheckpointError, ConfigError
from tests.encoders import opera_file
from tests.encoders.conftest import mels

CLIPS = ["noise8", "chirp8", "breath3", "silent_edges8"]
State = dict[str, torch.Tensor]


def relative(found: torch.Tensor, expected: np.ndarray) -> float:
    return float(np.abs(found.numpy() - expected).max() / np.abs(expected).max())


@pytest.mark.parametrize("clip", CLIPS)
def test_equals_the_published_encoder(clip: str, shared_parity: Path, opera: OperaCT) -> None:
    parity = np.load(shared_parity / "opera_ct_parity.npz")
    mel = torch.from_numpy(parity[f"mel/{clip}"])
    assert relative(opera.tokens(mel), parity[f"window_raster/{clip}"]) < 1e-4
    assert relative(opera.pooled(mel), parity[f"forward/{clip}"]) < 1e-4


def test_the_test_file_is_laid_out_like_a_real_one(shared_parity: Path, opera_state: State) -> None:
    rows = json.loads((shared_parity / "state_dict_keys.json").read_text())
    assert {key: (tuple(shape), dtype) for key, shape, dtype, _ in rows} == {
        key: (shape, dtype) for key, shape, dtype in opera_file.layout()
    }
    parity = np.load(shared_parity / "opera_ct_parity.npz")
    for key in parity:
        if key.startswith("sd/"):
            assert np.array_equal(opera_state[key.removeprefix("sd/")].numpy(), parity[key])


def test_pooled_is_the_mean_of_the_tokens(opera: OperaCT) -> None:
    mel = mels(2)
    assert torch.allclose(opera.pooled(mel), opera.tokens(mel).mean(dim=1), atol=1e-5)


def test_tokens_run_forward_in_time(opera: OperaCT) -> None:
    # What changes in the last quarter of the clip changes the last sixteen tokens most.
    mel = mels(1)
    changed = mel.clone()
    changed[:, 192:] = 0
    change = (opera.tokens(changed) - opera.tokens(mel)).abs().mean(dim=2)[0]
    assert change[48:].mean() > 2 * change[:48].mean()


def test_a_copy_that_is_trained_computes_the_same(opera: OperaCT) -> None:
    mel = mels(2)
    trained = opera.trainable_copy()
    found = trained(mel)
    assert found.requires_grad
    assert relative(found.detach(), opera.tokens(mel).numpy()) < 1e-5
    with torch.no_grad():  # what it learns is heard, and the frozen encoder does not follow
        for parameter in trained.parameters():
            parameter.add_(0.01)
        assert relative(trained(mel), opera.tokens(mel).numpy()) > 1e-3


@pytest.fixture(scope="module")
def coarse(opera_checkpoint: Path) -> AudioEncoder:
    return load_encoder("opera-ct", opera_checkpoint, "bfloat16")


def test_in_bfloat16_tokens_are_nearly_the_same(coarse: AudioEncoder, opera: OperaCT) -> None:
    mel = mels(3)
    found, expected = coarse.tokens(mel), opera.tokens(mel)
    assert found.dtype == torch.float32
    assert 1e-4 < (found - expected).norm() / expected.norm() < 0.03


def test_tokens_of_two_precisions_never_mix(coarse: AudioEncoder, opera: OperaCT) -> None:
    assert coarse.identity == opera.identity == opera.cache_identity
    assert coarse.cache_identity == f"{opera.identity}-bf16"


def test_in_bfloat16_it_is_not_trained(coarse: AudioEncoder) -> None:
    with pytest.raises(ConfigError, match="load the encoder in float32"):
        coarse.trainable_copy()


def test_the_report_accounts_for_the_file(
    opera: OperaCT, opera_checkpoint: Path, opera_state: State
) -> None:
    report = opera.report
    assert report.path == opera_checkpoint
    assert report.sha256 == hashlib.sha256(opera_checkpoint.read_bytes()).hexdigest()
    assert report.loaded + len(report.dropped) == len(opera_state) == 205
    assert report.parameters == sum(parameter.numel() for parameter in opera.parameters())
    assert report.sha256[:16] in opera.identity


def test_building_it_draws_no_random_numbers(opera_checkpoint: Path) -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    OperaCT(opera_checkpoint)
    assert torch.equal(torch.rand(1), expected)


KEY = f"{opera_file.PREFIX}layers.2.blocks.3.attn.qkv.weight"


def without(state: State, key: str) -> State:
    return {name: tensor for name, tensor in state.items() if name != key}


def read(path: Path, opera: OperaCT) -> None:
    loader.read(path, opera.network.state_dict())


def test_a_missing_tensor_is_named(opera: OperaCT, opera_state: State, tmp_path: Path) -> None:
    path = opera_file.write(tmp_path / "a.ckpt", without(opera_state, KEY))
    with pytest.raises(CheckpointError, match=r"3 tensors are missing: .*layers\.2\.blocks\.3"):
        read(path, opera)


@pytest.mark.parametrize("key", ["extra.weight", f"{opera_file.PREFIX}layers.9.weight"])
def test_an_unknown_tensor_is_named(
    key: str, opera: OperaCT, opera_state: State, tmp_path: Path
) -> None:
    path = opera_file.write(tmp_path / "a.ckpt", {**opera_state, key: torch.zeros(1)})
    with pytest.raises(CheckpointError, match=f"1 keys are unknown: {key}"):
        read(path, opera)


def test_a_tensor_of_another_shape_is_named(
    opera: OperaCT, opera_state: State, tmp_path: Path
) -> None:
    key = f"{opera_file.PREFIX}norm.weight"
    path = opera_file.write(tmp_path / "a.ckpt", {**opera_state, key: torch.zeros(512)})
    with pytest.raises(CheckpointError, match=r"norm\.weight .* \(512,\) instead of \(768,\)"):
        read(path, opera)


def test_weights_that_are_no_numbers_are_refused(
    opera: OperaCT, opera_state: State, tmp_path: Path
) -> None:
    broken = opera_state[KEY].clone()
    broken[0, 0] = torch.nan
    path = opera_file.write(tmp_path / "a.ckpt", {**opera_state, KEY: broken})
    with pytest.raises(CheckpointError, match="not numbers"):
        read(path, opera)


def test_other_weights_have_another_identity(
    opera: OperaCT, opera_state: State, tmp_path: Path
) -> None:
    path = opera_file.write(tmp_path / "a.ckpt", {**opera_state, KEY: opera_state[KEY] * 2})
    assert OperaCT(path).identity != opera.identity


class Intruder:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return Path.touch, (self.path,)


def test_no_code_in_a_checkpoint_is_run(opera: OperaCT, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    for intruder in (Intruder(trace), argparse.Namespace(encoder="htsat")):
        path = opera_file.write(tmp_path / "a.ckpt", {}, hyper_parameters=intruder)
        with pytest.raises(CheckpointError, match="save only its weights"):
            read(path, opera)
    assert not trace.exists()


@pytest.mark.parametrize("content", [b"", b"no checkpoint", bytes(1000)])
def test_a_damaged_file_is_one_clear_error(
    content: bytes, opera: OperaCT, opera_checkpoint: Path, tmp_path: Path
) -> None:
    path = tmp_path / "a.ckpt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"a\.ckpt"):
        read(path, opera)
    path.write_bytes(opera_checkpoint.read_bytes()[:100_000])
    with pytest.raises(CheckpointError, match=r"a\.ckpt"):
        read(path, opera)


@pytest.mark.parametrize("content", [[1, 2], {"model": {}}, {"state_dict": {"a": 1}}])
def test_a_file_without_weights_is_refused(content: object, opera: OperaCT, tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    torch.save(content, path)
    with pytest.raises(CheckpointError, match="no 'state_dict'"):
        read(path, opera)


def test_a_missing_file_is_named(opera: OperaCT, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nowhere\.ckpt"):
        read(tmp_path / "nowhere.ckpt", opera)


def test_the_published_checkpoint_is_fetched(
    opera: OperaCT, opera_checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    def download(repository: str, file: str) -> str:
        asked.append((repository, file))
        return str(opera_checkpoint)

    monkeypatch.setattr("respllm.encoders.opera_checkpoint.hf_hub_download", download)
    assert load_encoder("opera-ct").identity == opera.identity
    assert asked == [("evelyn0414/OPERA", "encoder-operaCT.ckpt")]


def test_without_network_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    def download(repository: str, file: str) -> str:
        raise ConnectionError("offline\nmode")

    monkeypatch.setattr("respllm.encoders.opera_checkpoint.hf_hub_download", download)
    with pytest.raises(CheckpointError, match=r"offline mode.*mel-patch"):
        load_encoder("opera-ct")
