"""`nano`: a small Llama and its tokenizer, built in code and trained in full.

It needs no account and no download, so the whole path runs anywhere. It has read nothing: on a
condition it was not trained on, expect chance.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaModel, PreTrainedTokenizerFast

from respllm.datasets.vocabulary import MEDICAL_HISTORY, RECORDING_LOCATIONS, SYMPTOMS
from respllm.prompts import dms_text, task_prompt
from respllm.tasks import builtin_tasks
from respllm.types import Dms

VOCABULARY_SIZE = 1024
BEGIN = "<s>"
WORD_SIZE = 0.5
"""Standard deviation of the word embeddings: blocks add to words, they do not drown them."""


def nano_tokenizer() -> PreTrainedTokenizerFast:
    """nano's own; see `byte_pair_tokenizer`."""
    return byte_pair_tokenizer(VOCABULARY_SIZE)


def byte_pair_tokenizer(vocabulary_size: int) -> PreTrainedTokenizerFast:
    """A byte-level BPE tokenizer of the words that prompts and DMS texts are made of."""
    backend = learn_byte_pairs(_words(), vocabulary_size)
    return PreTrainedTokenizerFast(tokenizer_object=backend, bos_token=BEGIN)


def learn_byte_pairs(texts: Iterable[str], vocabulary_size: int) -> Tokenizer:
    """Learn byte pairs from texts.

    Any other text is read byte by byte; digits stand alone, so that ages share their decades.
    """
    backend = Tokenizer(models.BPE())
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        special_tokens=[BEGIN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    return backend


def _words() -> list[str]:
    prompts = [task_prompt(task) for task in builtin_tasks().values()]
    people = [
        Dms("Female", 45, (item,), (), location)
        for item in MEDICAL_HISTORY
        for location in (None, *RECORDING_LOCATIONS)
    ]
    people += [Dms("Male", "20-29", (), (item, "cough")) for item in SYMPTOMS]
    people += [Dms("Other", "60+")]
    # A leading space, as in the sequence, so that each word has one form.
    return [" " + text for text in prompts + [dms_text(dms) for dms in people]]


def nano_llm(vocabulary_size: int, seed: int) -> LlamaModel:
    """A Llama of width 128 with 2 layers, about 0.5 M parameters, initialised from `seed`.

    Llama's own start (a standard deviation of 0.02) is meant for widths of thousands: at width 128
    every block would begin as almost nothing. 0.08 is about 1 / sqrt(128).
    """
    config = LlamaConfig(
        vocab_size=vocabulary_size,
        hidden_size=128,
        intermediate_size=344,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=1024,
        initializer_range=0.08,
        bos_token_id=0,
        eos_token_id=None,
        pad_token_id=None,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = LlamaModel(config)
        torch.nn.init.normal_(model.embed_tokens.weight, std=WORD_SIZE)
    return model
