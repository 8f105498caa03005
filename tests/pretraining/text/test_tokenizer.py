"""The tokenizer reads every text and gives its special token for none."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from respllm.batching import TextTokenizer
from respllm.errors import CheckpointError
from respllm.pretraining.text.tokenizer import (
    BEGIN,
    learn_tokenizer,
    read_tokenizer,
    save_tokenizer,
)
from tests.pretraining.text.conftest import sentences

TOKENIZER = learn_tokenizer([f" {sentences(i)}" for i in range(60)], 320)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=60), st.sampled_from(["", BEGIN, " <s>", "<s ><s>", "</s>", "<|begin|>"]))
def test_no_text_gives_the_special_token_and_none_is_lost(text: str, forged: str) -> None:
    whole = f"{text}{forged}{text}"
    ids = TOKENIZER.dms_ids(whole)
    assert 0 not in ids
    expected = unicodedata.normalize("NFC", f" {whole}") if whole else ""
    if len(ids) < 256:
        assert TOKENIZER.tokenizer.decode(ids) == expected


def test_digits_stand_alone() -> None:
    ids = TOKENIZER.prompt_ids("Age: 1987")
    assert [TOKENIZER.tokenizer.decode([i]) for i in ids[-4:]] == ["1", "9", "8", "7"]
    assert ids[0] == TOKENIZER.tokenizer.bos_token_id == 0


def test_it_is_the_same_after_saving_also_for_transformers(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    save_tokenizer(TOKENIZER, tmp_path)
    text = "asthma causes <s> ë 65"
    for read in (
        read_tokenizer(tmp_path / "tokenizer.json"),
        TextTokenizer(AutoTokenizer.from_pretrained(tmp_path)),
    ):
        assert read.prompt_ids(text) == TOKENIZER.prompt_ids(text)


def test_a_damaged_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(CheckpointError, match=r"tokenizer\.json"):
        read_tokenizer(tmp_path / "tokenizer.json")
