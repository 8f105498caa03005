"""Text vectors: the mean over the text's own tokens, each text once, whatever its company."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from respllm.config import ModelConfig
from respllm.errors import ConfigError
from respllm.models import text_embedding
from respllm.models.llm import load_llm
from respllm.models.text_embedding import TextEmbedder, text_embedder, text_note

TEXTS = ["Gender: Female. Age: 45-64.", "", "Age: 9.", "Gender: Female. Age: 45-64."]
WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "age", "female", "cough", "fever"]


def bert_parts() -> tuple[Any, Any]:
    backend = Tokenizer(models.WordLevel({w: i for i, w in enumerate(WORDS)}, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=backend, cls_token="[CLS]", sep_token="[SEP]", unk_token="[UNK]"
    )
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS),
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
    )
    return BertModel(config), tokenizer


def test_bert_reads_its_special_tokens_and_averages_the_words() -> None:
    model, tokenizer = bert_parts()
    found = TextEmbedder(model, tokenizer, "tiny").embed(["cough fever", "female"])
    with torch.no_grad():
        for text, vector in zip(["cough fever", "female"], found, strict=True):
            ids = [2, *(WORDS.index(word) for word in text.split()), 3]
            states = model.eval()(input_ids=torch.tensor([ids])).last_hidden_state[0]
            assert np.allclose(vector, states[1:-1].mean(0).numpy(), atol=1e-5)


def test_a_language_model_reads_its_beginning_and_averages_the_words(tiny_llm: Path) -> None:
    config = ModelConfig(llm=str(tiny_llm))
    embedder = text_embedder("llm", config, 0)
    loaded = load_llm(config, 1)  # other adapters, which change nothing yet
    ids = [0, *loaded.tokenizer(" " + TEXTS[0], add_special_tokens=False)["input_ids"]]
    with torch.no_grad():
        states = loaded.model.eval()(input_ids=torch.tensor([ids])).last_hidden_state[0]
    assert np.allclose(embedder.embed(TEXTS)[0], states[1:].mean(0).numpy(), atol=1e-4)
    assert text_note("bert", ModelConfig(llm="nano")) == ""
    assert embedder.width == 48
    assert loaded.identity in embedder.identity


def test_nano_is_a_bag_of_its_word_embeddings_and_says_so() -> None:
    embedder = text_embedder("llm", ModelConfig(llm="nano"), 3)
    loaded = load_llm(ModelConfig(llm="nano"), 3)
    ids = loaded.tokenizer(" " + TEXTS[0], add_special_tokens=False)["input_ids"]
    words: Any = loaded.model.get_input_embeddings()  # type: ignore[operator]
    expected = words(torch.tensor(ids)).mean(0).detach().numpy()
    assert np.allclose(embedder.embed(TEXTS)[0], expected, atol=1e-6)
    assert "random weights" in text_note("llm", ModelConfig(llm="nano"))
    assert text_note("llm", ModelConfig(llm="gemma2-2b")) == ""
    other = text_embedder("llm", ModelConfig(llm="nano"), 4)
    assert other.identity != embedder.identity
    assert not np.allclose(other.embed(TEXTS[:1])[0], expected)


def test_rows_keep_their_order_and_an_empty_text_is_zeros() -> None:
    found = text_embedder("llm", ModelConfig(llm="nano"), 0).embed(TEXTS)
    assert found.shape == (4, 128)
    assert found.dtype == np.float32
    assert np.array_equal(found[0], found[3])
    assert not found[1].any()
    assert not np.allclose(found[0], found[2])
    assert text_embedder("llm", ModelConfig(llm="nano"), 0).embed([]).shape == (0, 128)


def test_company_and_padding_change_nothing() -> None:
    model, tokenizer = bert_parts()
    texts = ["cough", "age fever cough female age", "female " * 40, "age female"]
    together = TextEmbedder(model, tokenizer, "tiny").embed(texts)
    alone = np.concatenate([TextEmbedder(model, tokenizer, "tiny").embed([t]) for t in texts])
    assert np.allclose(together, alone, atol=1e-5)


def test_each_distinct_text_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    embedder = TextEmbedder(*bert_parts(), "tiny")
    computed: list[int] = []
    plain = embedder._means

    def counting(rows: list[list[int]]) -> np.ndarray:
        computed.append(len(rows))
        return plain(rows)

    monkeypatch.setattr(embedder, "_means", counting)
    first = embedder.embed(["cough", "fever", "cough"])
    first[0] = 99  # what was handed out is the caller's
    assert not (embedder.embed(["cough"]) == 99).any()
    embedder.embed(["fever", "age"])
    assert sum(computed) == 3


def test_nothing_of_it_is_trained() -> None:
    model, tokenizer = bert_parts()
    TextEmbedder(model, tokenizer, "tiny")
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_bert_is_loaded_from_where_the_hub_keeps_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, tokenizer = bert_parts()
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    monkeypatch.setattr(text_embedding, "BERT", str(tmp_path))
    embedder = text_embedder("bert", ModelConfig(llm="nano"), 0)
    expected = TextEmbedder(model, tokenizer, "tiny").embed(["cough fever"])
    assert np.allclose(embedder.embed(["cough fever"]), expected, atol=1e-6)
    assert embedder.identity.startswith("bert-")


def test_without_bert_the_next_step_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_embedding, "BERT", str(tmp_path / "nothing"))
    with pytest.raises(ConfigError, match="text: llm"):
        text_embedder("bert", ModelConfig(llm="nano"), 0)
