"""The language model that comes with the package."""

from __future__ import annotations

import pytest
from transformers import AutoModelForCausalLM, AutoTokenizer

from respllm.batching import TextTokenizer
from respllm.config import ModelConfig
from respllm.models import load_llm
from respllm.models.llm import SHIPPED, shipped_llms
from respllm.pretraining.text.cloze import cloze_items, score_items
from respllm.pretraining.text.language_model import LanguageModel

NAME = "medical-10m"


def test_it_is_found_by_name_without_a_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    assert shipped_llms() == (NAME,)
    loaded = load_llm(ModelConfig(llm=NAME), seed=0)
    assert not loaded.trained_in_full
    size = sum(p.numel() for n, p in loaded.model.named_parameters() if "lora_" not in n)
    assert 9_000_000 < size < 11_000_000


def test_it_knows_more_than_its_bigrams() -> None:
    """Of the sentences' four endings it chooses the right one: 0.84 of them, bigrams 0.47."""
    model = AutoModelForCausalLM.from_pretrained(SHIPPED / NAME).float().eval()
    tokenizer = TextTokenizer(AutoTokenizer.from_pretrained(SHIPPED / NAME))
    scores = score_items(cloze_items(), LanguageModel(model, context=256), tokenizer)
    assert (scores.argmax(axis=1) == 0).mean() > 0.75


def test_its_card_says_whose_words_it_read() -> None:
    card = (SHIPPED / NAME / "README.md").read_text(encoding="utf-8")
    for words in ("Not a medical device", "MedQuAD", "CC BY 4.0", "respllm pretrain text"):
        assert words in card
