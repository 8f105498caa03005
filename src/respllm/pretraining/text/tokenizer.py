"""The tokenizer of a pretrained language model: byte-level BPE of the texts it learns from."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from tokenizers import Tokenizer
from transformers import PreTrainedTokenizerFast

from respllm.batching import TextTokenizer
from respllm.errors import CheckpointError
from respllm.models.nano import BEGIN, learn_byte_pairs


def learn_tokenizer(texts: Iterable[str], vocabulary: int) -> TextTokenizer:
    """Learn byte pairs from texts; any other text is read too, in the worst case byte by byte.

    Digits stand alone, as in nano's tokenizer. `BEGIN` stands before each document: the only
    special token, whose number is never given for a text, also not for one with its letters.

    Args:
        texts: of the train part only.
        vocabulary: tokens in all.
    """
    return _wrapped(learn_byte_pairs(texts, vocabulary))


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
