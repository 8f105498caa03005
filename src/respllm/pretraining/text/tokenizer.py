"""The tokenizer of a pretrained language model: byte-level BPE of the texts it learns from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from respllm.batching import TextTokenizer
from respllm.errors import CheckpointError

BEGIN = "<s>"
"""Stands before each document. It is the only special token: its number is never given for a
text, also not for one with these letters (`TextTokenizer`)."""


def learn_tokenizer(texts: Iterable[str], vocabulary: int) -> TextTokenizer:
    """Learn byte pairs from texts; any other text is read too, in the worst case byte by byte.

    Digits stand alone, so that ages share their decades, as in nano's tokenizer.

    Args:
        texts: of the train part only.
        vocabulary: tokens in all.
    """
    backend = Tokenizer(models.BPE())
    backend.normalizer = normalizers.NFC()
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(False)]
    )
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[BEGIN],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator(texts, trainer)
    return _wrapped(backend)


def save_tokenizer(tokenizer: TextTokenizer, folder: Path) -> None:
    """Write the files that `transformers.AutoTokenizer` reads."""
    tokenizer.tokenizer.save_pretrained(folder)


def read_tokenizer(path: Path) -> TextTokenizer:
    """Read a `tokenizer.json` that `save_tokenizer` wrote.

    Raises:
        CheckpointError: not there, or damaged.
    """
    try:
        return _wrapped(Tokenizer.from_file(str(path)))
    except Exception as error:  # the reader raises bare `Exception`
        raise CheckpointError(
            "The tokenizer cannot be read",
            where=str(path),
            next_step="delete the run's folder and start its pretraining again",
        ) from error


def _wrapped(backend: Tokenizer) -> TextTokenizer:
    return TextTokenizer(
        PreTrainedTokenizerFast(tokenizer_object=backend, bos_token=BEGIN, eos_token=BEGIN)
    )
