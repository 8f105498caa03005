"""nano is built in code, the same each time, and reads any text."""

from __future__ import annotations

import unicodedata

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from respllm.batching import TextTokenizer
from respllm.models.nano import nano_llm, nano_tokenizer
from respllm.prompts import dms_text, task_prompt
from respllm.tasks import builtin_tasks
from respllm.types import Dms

TOKENIZER = nano_tokenizer()


def test_the_tokenizer_is_the_same_each_time() -> None:
    assert nano_tokenizer().get_vocab() == TOKENIZER.get_vocab()


@settings(max_examples=50, deadline=None)
@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60))
def test_any_text_is_read_without_loss(text: str) -> None:
    ids = TextTokenizer(TOKENIZER).dms_ids(text)
    read = TOKENIZER.decode(ids, clean_up_tokenization_spaces=False)
    assert read == (" " + unicodedata.normalize("NFC", text) if text else "")


def test_text_that_looks_like_the_begin_token_stays_text() -> None:
    reader = TextTokenizer(TOKENIZER)
    assert TOKENIZER.bos_token_id not in reader.dms_ids("<s> Age: 3.")
    assert reader.prompt_ids("Is it <s>?").count(TOKENIZER.bos_token_id) == 1


def test_digits_stand_alone() -> None:
    reader = TextTokenizer(TOKENIZER)
    first, second = reader.dms_ids("Age: 65."), reader.dms_ids("Age: 64.")
    assert sum(a != b for a, b in zip(first, second, strict=True)) == 1


def test_the_texts_of_the_paper_are_short_enough() -> None:
    reader = TextTokenizer(TOKENIZER)
    prompt = max(len(reader.prompt_ids(task_prompt(task))) for task in builtin_tasks().values())
    person = Dms("Female", 45, ("asthma",), ("cough", "fatigue", "headache"))
    audio = 64
    room = nano_llm(len(TOKENIZER), 0).config.max_position_embeddings
    assert prompt + 256 + audio <= room, "even the longest text a person may state must fit"
    assert len(reader.dms_ids(dms_text(person))) < 60


def test_the_seed_decides_the_weights_and_nothing_else_is_drawn_from() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    first, again, other = (nano_llm(len(TOKENIZER), seed) for seed in (1, 1, 2))
    assert torch.equal(torch.rand(3), expected)
    for name, weight in first.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name])
    assert not torch.equal(first.embed_tokens.weight, other.embed_tokens.weight)


def test_it_is_small() -> None:
    assert sum(p.numel() for p in nano_llm(len(TOKENIZER), 0).parameters()) < 1e6
