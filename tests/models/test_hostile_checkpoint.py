"""A checkpoint from a stranger, whose checksums are right: refused where it asks for the absurd."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from respllm.errors import CheckpointError, RespllmError
from respllm.models import Checkpoint
from respllm.models.checkpoint import CONFIG, WEIGHTS, _sha256
from tests.models.checkpoints import make_checkpoint


def rewritten(folder: Path, **changes: Any) -> None:
    content = json.loads((folder / CONFIG).read_text())
    content |= {"config_sha256": "", "weights_sha256": _sha256(folder / WEIGHTS), **changes}
    (folder / CONFIG).write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"audio_width": 10**12}, "audio_width"),
        ({"seed": 2**70}, "seed"),
        ({"seed": -1}, "seed"),
        ({"tasks": [{"id": "S7", "extra": 1}]}, r"Unknown key in tasks\.0: 'extra'"),
    ],
)
def test_settings_that_would_fill_the_memory_or_crash(
    saved: Path, change: dict[str, Any], message: str
) -> None:
    rewritten(saved, **change)
    with pytest.raises(CheckpointError, match=message):
        Checkpoint.from_pretrained(saved)


def test_a_configuration_nested_too_deeply(saved: Path) -> None:
    (saved / CONFIG).write_text('{"format_version": ' + "[" * 100_000)
    with pytest.raises(CheckpointError, match="cannot be read"):
        Checkpoint.from_pretrained(saved)


def test_weights_that_are_no_safetensors(saved: Path) -> None:
    (saved / WEIGHTS).write_bytes(b"\xff" * 64)
    rewritten(saved)
    with pytest.raises(CheckpointError, match="weights cannot be read"):
        Checkpoint.from_pretrained(saved)


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_weights_that_are_no_numbers(tmp_path: Path, bad: float) -> None:
    checkpoint = make_checkpoint("nano")
    with torch.no_grad():
        checkpoint.model.projector.bias[3] = bad
    checkpoint.save_pretrained(tmp_path / "saved")
    with pytest.raises(CheckpointError, match=r"projector\.bias holds values that are no numbers"):
        Checkpoint.from_pretrained(tmp_path / "saved")


def test_a_tokenizer_that_loads_but_cannot_be_used(saved: Path) -> None:
    path = saved / "tokenizer_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"model_max_length": "long"}))
    rewritten(saved, tokenizer_sha256={})
    with pytest.raises(CheckpointError, match="tokenizer cannot be read"):
        Checkpoint.from_pretrained(saved)


@pytest.mark.parametrize("name", ["[" * 3000, "a\0b"])
def test_a_language_model_of_no_possible_name(saved: Path, name: str) -> None:
    content = json.loads((saved / CONFIG).read_text())
    rewritten(saved, model=content["model"] | {"llm": name})
    with pytest.raises(RespllmError, match="Unknown language model") as caught:
        Checkpoint.from_pretrained(saved)
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("key", ["weights_sha256", "config_sha256"])
def test_a_hash_of_any_length_makes_a_short_error(tmp_path: Path, key: str) -> None:
    make_checkpoint("nano").save_pretrained(tmp_path)
    content = json.loads((tmp_path / CONFIG).read_text(encoding="utf-8"))
    content |= {"config_sha256": ""} | {key: "9" * 5000}
    (tmp_path / CONFIG).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(CheckpointError, match="sha256 999") as caught:
        Checkpoint.from_pretrained(tmp_path)
    assert len(str(caught.value)) < 1000
