"""What was trained is saved, loaded again to the bit, and refused where it does not belong."""

from __future__ import annotations

import errno
import json
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from respllm.errors import CheckpointError
from respllm.models import (
    Checkpoint,
    for_inference,
    load_trained_state,
    trained_state,
)
from respllm.models.checkpoint import CARD, CONFIG, WEIGHTS, checkpoint_folder
from tests.models.checkpoints import edit_config, edit_weights, logits, make_checkpoint
from tests.models.conftest import write_tiny_llm


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_llm(tmp_path_factory.mktemp("llm") / "llama", "llama")


def test_the_round_trip_of_nano_is_exact(tmp_path: Path) -> None:
    before = make_checkpoint("nano")
    config = before.save_pretrained(tmp_path / "model")
    after = Checkpoint.from_pretrained(tmp_path / "model")
    assert after.config == config
    assert not after.model.training
    assert torch.equal(logits(after), logits(before))
    assert after.model_id == f"respllm-{config.weights_sha256[:12]}"
    assert before.model_id == "respllm-untrained"


def test_the_round_trip_of_every_architecture_is_exact(tiny_llm: Path, tmp_path: Path) -> None:
    before = make_checkpoint(str(tiny_llm))
    before.save_pretrained(tmp_path / "model")
    after = Checkpoint.from_pretrained(tmp_path / "model")
    assert torch.equal(logits(after), logits(before))
    untouched = make_checkpoint(str(tiny_llm))
    load_trained_state(
        untouched.model,
        {name: torch.zeros_like(w) for name, w in trained_state(before.model).items()},
        where="test",
    )
    assert not torch.equal(logits(untouched), logits(before)), "the saved weights must matter"


def test_a_model_made_ready_to_answer_replaces_no_saved_one(saved: Path) -> None:
    checkpoint = Checkpoint.from_pretrained(saved)
    before = (saved / "model.safetensors").read_bytes()
    for_inference(checkpoint.model)
    with pytest.raises(CheckpointError, match="made ready to answer"):
        checkpoint.save_pretrained(saved)
    assert (saved / "model.safetensors").read_bytes() == before


def test_only_what_was_trained_is_saved(tiny_llm: Path, tmp_path: Path) -> None:
    checkpoint = make_checkpoint(str(tiny_llm))
    checkpoint.save_pretrained(tmp_path / "model")
    weights = load_file(tmp_path / "model" / WEIGHTS)
    assert all(name.startswith(("projector.", "head.")) or "lora_" in name for name in weights)
    counts = checkpoint.parameter_counts()
    assert sum(weight.numel() for weight in weights.values()) == counts["trained"]
    assert counts["frozen"] > counts["trained"]
    assert {p.name for p in (tmp_path / "model").iterdir()} == {CONFIG, WEIGHTS, CARD}


def test_a_run_folder_is_a_checkpoint_too(tmp_path: Path) -> None:
    make_checkpoint("nano").save_pretrained(tmp_path / "run" / "model")
    assert checkpoint_folder(tmp_path / "run") == tmp_path / "run" / "model"
    assert checkpoint_folder(str(tmp_path / "run" / "model")) == tmp_path / "run" / "model"


def test_saving_replaces_an_older_folder_and_a_half_written_one(saved: Path) -> None:
    (saved / "stale.txt").write_text("of an older save")
    half = saved.with_name("saved.new")
    half.mkdir()
    (half / WEIGHTS).write_bytes(b"half")
    make_checkpoint("nano").save_pretrained(saved)
    assert not (saved / "stale.txt").exists()
    assert not half.exists()
    assert Checkpoint.from_pretrained(saved)


def test_another_base_model_is_refused(tmp_path: Path) -> None:
    base = write_tiny_llm(tmp_path / "base", "llama", seed=0)
    make_checkpoint(str(base)).save_pretrained(tmp_path / "model")
    shutil.rmtree(base)
    write_tiny_llm(base, "llama", seed=1)
    with pytest.raises(CheckpointError, match="not the one this run was trained on"):
        Checkpoint.from_pretrained(tmp_path / "model")


def test_damaged_weights_are_refused(saved: Path) -> None:
    content = bytearray((saved / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (saved / WEIGHTS).write_bytes(content)
    with pytest.raises(CheckpointError, match=r"not those that were saved.*sha256"):
        Checkpoint.from_pretrained(saved)


def test_missing_weights_are_refused(saved: Path) -> None:
    (saved / WEIGHTS).unlink()
    with pytest.raises(CheckpointError, match="Cannot read the weights"):
        Checkpoint.from_pretrained(saved)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("head.classifier.bias"), "missing head.classifier.bias"),
        (lambda w: w.update(extra=torch.zeros(1)), "unexpected extra"),
        (
            lambda w: w.update({"projector.bias": torch.zeros(3)}),
            r"projector.bias has shape \(3,\), expected \(128,\)",
        ),
    ],
)
def test_weights_of_another_model_are_refused(
    saved: Path, change: Callable[[dict[str, torch.Tensor]], None], message: str
) -> None:
    edit_weights(saved, change)
    with pytest.raises(CheckpointError, match=f"do not fit the model: {message}"):
        Checkpoint.from_pretrained(saved)


@pytest.mark.parametrize("version", [2, None, "1"])
def test_another_format_is_refused(saved: Path, version: Any) -> None:
    edit_config(saved, format_version=version)
    with pytest.raises(CheckpointError, match=f"Format version {version!r}.*version 1"):
        Checkpoint.from_pretrained(saved)


@pytest.mark.parametrize("text", ["{", "[]", "\x00"])
def test_a_damaged_configuration_is_refused(saved: Path, text: str) -> None:
    (saved / CONFIG).write_text(text)
    with pytest.raises(CheckpointError, match=CONFIG):
        Checkpoint.from_pretrained(saved)


def test_an_unknown_key_of_the_configuration_is_refused(saved: Path) -> None:
    edit_config(saved, hed="mean")
    with pytest.raises(CheckpointError, match="Unknown key 'hed'"):
        Checkpoint.from_pretrained(saved)


@pytest.mark.parametrize("damage", [None, b"{", b""])
def test_a_lost_or_damaged_tokenizer_is_refused(saved: Path, damage: bytes | None) -> None:
    if damage is None:
        (saved / "tokenizer.json").unlink()
        (saved / "tokenizer_config.json").unlink()
    else:
        (saved / "tokenizer.json").write_bytes(damage)
    with pytest.raises(CheckpointError, match="tokenizer cannot be read"):
        Checkpoint.from_pretrained(saved)


def flipped(content: bytes, chance: random.Random) -> bytes:
    changed = bytearray(content)
    changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


@pytest.mark.parametrize("name", [CONFIG, WEIGHTS, "tokenizer.json", "tokenizer_config.json"])
def test_a_flipped_or_missing_byte_anywhere_is_refused(saved: Path, name: str) -> None:
    whole, known = (saved / name).read_bytes(), Checkpoint.from_pretrained(saved).config
    chance = random.Random(name)
    damaged = [flipped(whole, chance) for _ in range(25)]
    damaged += [whole[: chance.randrange(len(whole))] for _ in range(5)]
    for content in damaged:
        (saved / name).write_bytes(content)
        try:
            found = Checkpoint.from_pretrained(saved)
        except CheckpointError:
            continue
        assert name == CONFIG, "only a configuration may be written in another way"
        assert found.config == known
    (saved / name).write_bytes(whole)
    assert Checkpoint.from_pretrained(saved).config == known


@pytest.mark.parametrize("name", [WEIGHTS, "tokenizer.json", CONFIG, CARD])
def test_a_disk_that_is_full_at_any_file_leaves_the_older_model(
    saved: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The libraries that write each have an error of their own for it."""
    known, newer = Checkpoint.from_pretrained(saved).config, make_checkpoint("nano", seed=4)
    full = {
        WEIGHTS: SafetensorError("No space left on device (os error 28)"),
        "tokenizer.json": Exception("No space left on device (os error 28)"),
    }.get(name, OSError(errno.ENOSPC, "No space left on device"))

    def fails(path: Any, *args: Any, **kwargs: Any) -> Any:
        if Path(path).name == name:
            raise full
        return real(path, *args, **kwargs)

    real: Any = Path.write_text
    with monkeypatch.context() as patch:
        if name == WEIGHTS:
            patch.setattr("respllm.models.checkpoint.save_file", lambda *args: fails(args[1]))
        elif name == "tokenizer.json":
            tokenizer = type(newer.tokenizer.tokenizer)
            patch.setattr(tokenizer, "save_pretrained", lambda own, at: fails(at / name))
        else:
            patch.setattr(Path, "write_text", fails)
        with pytest.raises(CheckpointError, match=r"could not be written.*free some space"):
            newer.save_pretrained(saved)
    assert Checkpoint.from_pretrained(saved).config == known
    assert [path.name for path in saved.parent.glob("saved*")] == ["saved"]


def test_a_checkpoint_that_does_not_vouch_for_its_configuration_is_read(saved: Path) -> None:
    content = json.loads((saved / CONFIG).read_text(encoding="utf-8"))
    del content["config_sha256"], content["tokenizer_sha256"]
    (saved / CONFIG).write_text(json.dumps(content), encoding="utf-8")
    assert Checkpoint.from_pretrained(saved).config.weights_sha256 == content["weights_sha256"]


@pytest.mark.parametrize("at", range(12))
def test_a_save_that_is_stopped_leaves_the_older_or_the_newer_model(
    saved: Path, at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped before the file operation number `at`, counted from the last write on."""
    before, operations = Checkpoint.from_pretrained(saved).config, 0
    newer = make_checkpoint("nano", seed=4)

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def operation(*args: Any, **kwargs: Any) -> Any:
            nonlocal operations
            operations += 1
            if operations > at:
                raise KeyboardInterrupt
            return real(*args, **kwargs)

        return operation

    with monkeypatch.context() as patch:
        for place, name in ((os, "rename"), (os, "unlink"), (os, "rmdir")):
            patch.setattr(place, name, counted(getattr(place, name)))
        patch.setattr(Path, "rename", counted(Path.rename))
        try:
            newer.save_pretrained(saved)
        except KeyboardInterrupt:
            assert operations == at + 1
    left = sorted(saved.parent.rglob("*"))
    # Between two renames the older one has another name: it is found, and nothing is tidied.
    assert Checkpoint.from_pretrained(saved).config.seed in (before.seed, 4)
    assert sorted(saved.parent.rglob("*")) == left
    newer.save_pretrained(saved)
    assert Checkpoint.from_pretrained(saved).config.seed == 4
    assert [p.name for p in saved.parent.glob("saved*")] == ["saved"]


@pytest.mark.parametrize("name", ["run", "run/model"])
def test_a_run_killed_between_two_renames_of_its_model_has_the_older_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    make_checkpoint("nano").save_pretrained(tmp_path / "run" / "model")
    (tmp_path / "run" / "model").rename(tmp_path / "run" / "model.old")
    assert Checkpoint.from_pretrained(tmp_path / name).config.seed == 3
    monkeypatch.chdir(tmp_path / "run")
    assert Checkpoint.from_pretrained(".").config.seed == 3
    make_checkpoint("nano", seed=4).save_pretrained(tmp_path / "run" / "model")
    assert Checkpoint.from_pretrained(tmp_path / name).config.seed == 4
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["model"]


def test_a_folder_without_a_checkpoint_says_what_to_run(tmp_path: Path) -> None:
    for source in (tmp_path, tmp_path / "nowhere", "nowhere"):
        with pytest.raises(CheckpointError, match=r"No checkpoint in .*respllm train"):
            checkpoint_folder(source)
