"""Models are fetched from a hub and pushed to one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from respllm.errors import CheckpointError
from respllm.models import (
    Checkpoint,
)
from respllm.models.checkpoint import CARD, CONFIG, WEIGHTS, checkpoint_folder
from tests.models.checkpoints import make_checkpoint


def test_a_model_on_the_hub_is_fetched(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def fetch(name: str) -> str:
        asked.append(name)
        return str(saved)

    monkeypatch.setattr("huggingface_hub.snapshot_download", fetch)
    assert Checkpoint.from_pretrained("owner/name").config.seed == 3
    assert asked == ["owner/name"]


def test_a_hub_that_cannot_be_reached_is_one_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> str:
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
    with pytest.raises(CheckpointError, match="'owner/name' is no local folder"):
        checkpoint_folder("owner/name")


class FakeHub:
    """Stands for `HfApi`: keeps what is uploaded."""

    uploads: list[dict[str, Any]]

    def __init__(self) -> None:
        type(self).uploads = []

    def create_repo(self, repo_id: str, *, private: bool, exist_ok: bool) -> None:
        self.private = private

    def upload_folder(self, *, repo_id: str, folder_path: Path) -> str:
        names = {path.name for path in folder_path.iterdir()}
        self.uploads.append({"repo": repo_id, "private": self.private, "names": names})
        return f"https://hub/{repo_id}"


def test_a_checkpoint_is_pushed_whole_and_private(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.HfApi", FakeHub)
    address = make_checkpoint("nano").push_to_hub("me/model")
    assert address == "https://hub/me/model"
    (upload,) = FakeHub.uploads
    assert upload["private"] is True
    assert {CONFIG, WEIGHTS, CARD, "tokenizer.json"} <= upload["names"]


def test_data_under_an_agreement_is_not_pushed_unless_named(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.HfApi", FakeHub)
    FakeHub.uploads = []
    checkpoint = make_checkpoint(
        "nano", datasets=("covid19_sounds", "icbhi"), agreement_only=("covid19_sounds",)
    )
    for named in ((), ("icbhi",), ("covid19-sounds",)):
        with pytest.raises(CheckpointError, match=r"agreement: covid19_sounds.*agreement_only="):
            checkpoint.push_to_hub("me/model", agreement_only=named)
    assert FakeHub.uploads == []
    checkpoint.push_to_hub("me/model", agreement_only=["covid19_sounds"])
    assert len(FakeHub.uploads) == 1
