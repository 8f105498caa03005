"""The weights that come with the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from respllm.encoders import load_encoder
from respllm.encoders.htsat_checkpoint import LEARNED
from respllm.encoders.pretrained import SHIPPED
from respllm.models.llm import SHIPPED as SHIPPED_LLMS
from respllm.pretraining.probing.questions import questions
from respllm.tasks.learned import Learned
from tests.encoders.conftest import mels

NAMES = sorted(path.name for path in SHIPPED.iterdir() if path.is_dir())
MOST_BYTES = 40_000_000


def test_something_comes_with_the_package() -> None:
    assert NAMES == ["htsat-small"]


@pytest.mark.parametrize("name", NAMES)
def test_it_loads_by_name_and_gives_tokens(name: str) -> None:
    encoder = load_encoder(name)
    tokens = encoder.tokens(mels(2))
    assert tokens.shape == (2, 64, encoder.width)
    assert tokens.isfinite().all()
    assert sum(p.numel() for p in encoder.parameters()) < 8_000_000


def test_all_weights_together_are_small() -> None:
    files = [path for folder in (SHIPPED, SHIPPED_LLMS) for path in folder.rglob("*")]
    assert sum(path.stat().st_size for path in files if path.is_file()) < MOST_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_a_card_says_what_it_is(name: str) -> None:
    card = (SHIPPED / name / "README.md").read_text(encoding="utf-8")
    for words in ("Not a medical device", "respllm pretrain audio", "ICBHI", "Coswara", "Heard"):
        assert words in card
    assert load_encoder(name).identity.startswith(card.split("Weights: `")[1].split("`")[0])


@pytest.mark.parametrize("name", NAMES)
def test_it_heard_nobody_who_is_held_out(name: str, shared_data: Path) -> None:
    """Neither KAUH, nor an ICBHI test patient, nor a call-centre cough, by name or by bytes."""
    heard = Learned.read(SHIPPED / name / LEARNED)
    asked = {question.id: question for question in questions(shared_data, [], final=True)}
    held_out = {
        name: one.train if one.test is None else one.test
        for name, one in asked.items()
        if one.final
    }
    assert {"abnormal-cycle->test", "kauh-diseased", "covid-cough-call-centre"} <= set(held_out)
    for question, people in held_out.items():
        # Coswara it may hear, without an answer (docs/pretraining.md).
        others = [e for e in people if e.clip.record.dataset != "coswara"]
        assert not heard.among(others), question
    assert heard.among(asked["abnormal-cycle"].train)  # the test can see people at all
