"""What a checkpoint says of itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from respllm.config import ModelConfig
from respllm.models import (
    KnownTask,
)
from respllm.models.checkpoint import CARD
from respllm.tasks import get_task
from tests.models.checkpoints import make_checkpoint
from tests.models.conftest import write_tiny_llm


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_llm(tmp_path_factory.mktemp("llm") / "llama", "llama")


def test_the_card_tells_data_terms_and_purpose(saved: Path, llama: Path, tmp_path: Path) -> None:
    card = (saved / CARD).read_text(encoding="utf-8")
    assert "Not a medical device" in card
    assert "Research software" in card
    assert "| S7 | icbhi | COPD | lung sounds | 0.250 |" in card
    assert "| T5 | kauh | COPD | lung sounds |  |" in card
    assert "ICBHI" in card
    assert "Licence: " in card
    assert "license: apache-2.0" in card
    assert "simulated" not in card
    adapted = make_checkpoint(str(llama))
    adapted.save_pretrained(tmp_path / "adapted")
    text = (tmp_path / "adapted" / CARD).read_text(encoding="utf-8")
    assert "base_model: llama" in text, "a path of this machine says nothing elsewhere"
    assert "frozen, with LoRA adapters" in text


def test_the_card_of_a_preset_names_its_terms() -> None:
    from respllm.models.card import model_card

    tasks = (KnownTask.of(get_task("S7"), 0.25, 0.5),)
    card = model_card(ModelConfig(llm="openbiollm-8b"), "opera-ct", tasks, ["mine"], False)
    assert "base_model: aaditya/Llama3-OpenBioLLM-8B" in card
    assert "Meta Llama 3 Community License" in card
    assert "mine: an own table" in card


def test_the_card_of_a_simulated_run_says_that_it_means_nothing(tmp_path: Path) -> None:
    checkpoint = make_checkpoint("nano")
    simulated = replace(checkpoint, config=checkpoint.config.model_copy(update={"simulated": True}))
    simulated.save_pretrained(tmp_path / "model")
    card = (tmp_path / "model" / CARD).read_text(encoding="utf-8")
    assert "On real recordings its numbers mean nothing" in card
    assert "simulated in its layout" in card
