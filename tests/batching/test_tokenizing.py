"""Texts to tokens: one beginning, no special token from free text, bounded length."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.processors import TemplateProcessing
from transformers import PreTrainedTokenizerFast

from respllm.batching import TextTokenizer, cut_note
from respllm.batching.tokenizing import MAX_DMS_TOKENS
from respllm.models.nano import BEGIN, nano_tokenizer
from respllm.prompts import dms_text, task_prompt
from respllm.tasks import builtin_tasks
from respllm.types import Clip, Dms, Example, Record

BACKEND = nano_tokenizer()
END = "<|end|>"
BACKEND.add_special_tokens({"eos_token": END})
TOKENIZER = TextTokenizer(BACKEND)
SPECIAL = set(BACKEND.all_special_ids)


def test_a_prompt_has_one_beginning_and_no_end() -> None:
    assert len(SPECIAL) == 2
    for task in builtin_tasks().values():
        ids = TOKENIZER.prompt_ids(task_prompt(task))
        assert ids[0] == BACKEND.bos_token_id
        assert SPECIAL.isdisjoint(ids[1:])
        assert BACKEND.decode(ids[1:]).strip() == task_prompt(task)


def test_a_tokenizer_without_a_beginning_adds_none() -> None:
    backend = Tokenizer(models.WordLevel({"Listen": 0, ".": 1, "?": 2}, unk_token="?"))
    backend.pre_tokenizer = pre_tokenizers.Whitespace()
    plain = TextTokenizer(PreTrainedTokenizerFast(tokenizer_object=backend, unk_token="?"))
    assert plain.prompt_ids("Listen.") == [0, 1]


def test_a_tokenizer_that_adds_tokens_itself_is_not_asked_to() -> None:
    backend = nano_tokenizer()
    backend.backend_tokenizer.post_processor = TemplateProcessing(
        single=f"{BEGIN} $A {BEGIN}", special_tokens=[(BEGIN, 0)]
    )
    assert BEGIN in backend.decode(backend("Listen.")["input_ids"])
    assert TextTokenizer(backend).prompt_ids("Listen.").count(0) == 1
    assert 0 not in TextTokenizer(backend).dms_ids("Age: 65.")


@pytest.mark.parametrize("words", [BEGIN, END, f"cough{BEGIN}{END}{BEGIN}", f"a {END} b"])
def test_special_tokens_in_free_text_are_read_as_text(words: str) -> None:
    text = dms_text(Dms("Female", symptoms=(words,)))
    assert words in text
    ids = TOKENIZER.dms_ids(text)
    assert SPECIAL.isdisjoint(ids)
    assert BACKEND.decode(ids).strip() == text
    assert SPECIAL.isdisjoint(TOKENIZER.prompt_ids(words)[1:])


@given(st.lists(st.text(max_size=30) | st.sampled_from([BEGIN, END])).map(" ".join))
def test_no_text_gives_a_special_token_or_more_than_the_limit(text: str) -> None:
    ids = TOKENIZER.dms_ids(text)
    assert SPECIAL.isdisjoint(ids)
    assert len(ids) <= MAX_DMS_TOKENS
    assert bool(ids) == bool(text)


def test_long_texts_are_cut() -> None:
    text = dms_text(Dms(symptoms=tuple(f"symptom {i}" for i in range(500))))
    assert len(TOKENIZER.dms_ids(text)) == MAX_DMS_TOKENS
    assert TOKENIZER.dms_ids(text) == TOKENIZER.dms_ids(text + " more")


def cut_examples(*stated: tuple[str, ...]) -> list[Example]:
    """One example for each person's symptoms."""
    return [
        Example(
            "S1",
            Clip(Record(f"d/r{i}", f"d/p{i // 2}", "d", "cough", Path("r.wav"), Dms())),
            "COPD?",
            dms_text(Dms(symptoms=symptoms)),
            1,
        )
        for i, symptoms in enumerate(stated)
    ]


def test_texts_that_are_cut_are_counted_and_not_repeated() -> None:
    long = tuple(f"sentinel {i}" for i in range(200))
    short = ("cough",)
    note = cut_note(cut_examples(long, long, long, short, short), TOKENIZER)
    assert note == ("the stated words of 3 of 5 examples, of 2 people, were cut after 256 tokens")
    assert cut_note(cut_examples(short, ()), TOKENIZER) == ""
    assert cut_note([], TOKENIZER) == ""


@given(st.text(max_size=400))
def test_a_text_is_cut_if_its_tokens_are_too_many(text: str) -> None:
    whole = len(TOKENIZER._read(text)) > MAX_DMS_TOKENS
    assert TOKENIZER.cuts(text) == whole
