"""Weights and states that bring code along are refused, and the code does not run."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch

from respllm.encoders.opera_checkpoint import read
from respllm.errors import CheckpointError, ConfigError, RespllmError
from respllm.models import Checkpoint
from respllm.models.checkpoint import CONFIG, WEIGHTS
from respllm.models.llm import TRUSTED
from respllm.training.state import load_state

EVIL = "import os\nos.mkdir({!r})\nclass Evil: 0\n"


class Touch:
    """Once unpickled, it has made a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple:
        return (os.makedirs, (str(self.path), 0o777, True))


def bombs(marker: Path) -> dict[str, bytes]:
    """Files that make `marker` in the hands of a careless reader."""
    zipped, legacy = io.BytesIO(), io.BytesIO()
    content = {"state_dict": Touch(marker), "progress": Touch(marker), "weights": {}}
    torch.save(content, zipped)
    torch.save(content, legacy, _use_new_zipfile_serialization=False)
    return {"zip": zipped.getvalue(), "legacy": legacy.getvalue(), "bare": pickle.dumps(content)}


@pytest.mark.parametrize("kind", ["zip", "legacy", "bare"])
def test_the_bombs_are_live(tmp_path: Path, kind: str) -> None:
    bomb = bombs(tmp_path / "ran")[kind]
    if kind == "bare":
        pickle.loads(bomb)
    else:
        torch.load(io.BytesIO(bomb), weights_only=False)
    assert (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["zip", "legacy", "bare"])
def test_a_training_state_with_code_is_refused(tmp_path: Path, kind: str) -> None:
    """Even with the checksum that a state must end with."""
    path = tmp_path / "last.pt"
    bomb = bombs(tmp_path / "ran")[kind]
    for content in (bomb, bomb + hashlib.sha256(bomb).digest()):
        path.write_bytes(content)
        with pytest.raises(CheckpointError, match="saved state is damaged"):
            load_state(path)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("kind", ["zip", "legacy", "bare"])
def test_encoder_weights_with_code_are_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "encoder-operaCT.ckpt"
    path.write_bytes(bombs(tmp_path / "ran")[kind])
    with pytest.raises(CheckpointError):
        read(path, {})
    assert not (tmp_path / "ran").exists()


def test_a_checkpoint_is_read_from_safetensors_only(trained_run: Path, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(trained_run / "model", tmp_path / "model"))
    bomb = bombs(tmp_path / "ran")["zip"]
    for name in ("pytorch_model.bin", "model.pt", "training_args.bin"):
        (folder / name).write_bytes(bomb)
    Checkpoint.from_pretrained(folder)
    content = json.loads((folder / CONFIG).read_text())
    content |= {"weights_sha256": hashlib.sha256(bomb).hexdigest(), "config_sha256": ""}
    (folder / CONFIG).write_text(json.dumps(content))
    (folder / WEIGHTS).write_bytes(bomb)
    with pytest.raises(CheckpointError):
        Checkpoint.from_pretrained(folder)
    (folder / WEIGHTS).unlink()
    with pytest.raises(CheckpointError):
        Checkpoint.from_pretrained(folder)
    assert not (tmp_path / "ran").exists()


def test_a_checkpoint_alone_cannot_have_code_run(
    trained_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its configuration may ask for it: the user of the machine must have named the repository."""
    base = tmp_path / "base"
    base.mkdir()
    (base / "config.json").write_text(
        json.dumps({"model_type": "evil", "auto_map": {"AutoConfig": "evil.Evil"}})
    )
    (base / "evil.py").write_text(
        f"import os\nos.mkdir({str(tmp_path / 'ran')!r})\nclass Evil: 0\n"
    )
    folder = Path(shutil.copytree(trained_run / "model", tmp_path / "model"))
    content = json.loads((folder / CONFIG).read_text()) | {"config_sha256": ""}
    content["model"] |= {"llm": str(base), "trust_remote_code": True}
    (folder / CONFIG).write_text(json.dumps(content))
    monkeypatch.setenv("HF_MODULES_CACHE", str(tmp_path / "modules"))
    monkeypatch.setattr(
        "transformers.dynamic_module_utils.HF_MODULES_CACHE", str(tmp_path / "modules")
    )
    for trusted in ("", "somebody/else", f"{base}x"):
        monkeypatch.setenv(TRUSTED, trusted)
        with pytest.raises(ConfigError, match=rf"brings code along.*{TRUSTED}="):
            Checkpoint.from_pretrained(folder)
    assert not (tmp_path / "ran").exists()
    monkeypatch.setenv(TRUSTED, f"somebody/else, {base}")
    with contextlib.suppress(RespllmError, AttributeError, TypeError):
        Checkpoint.from_pretrained(folder)
    assert (tmp_path / "ran").exists(), "the bait is dead: the test would show nothing"
