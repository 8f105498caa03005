"""A text pretraining from its declaration to its folder."""

from __future__ import annotations

import hashlib
import platform
import shutil
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console

from respllm.batching import TextTokenizer
from respllm.datasets.fetching.writing import write_whole
from respllm.errors import ConfigError, DataError
from respllm.models import default_device
from respllm.models.quiet import bars_on_terminals_only
from respllm.pretraining.text.card import text_card
from respllm.pretraining.text.cloze import ClozeResult, cloze_items, compare_readers, score_items
from respllm.pretraining.text.documents import Document, emphasised, read_documents
from respllm.pretraining.text.folder import TextFolder
from respllm.pretraining.text.language_model import LanguageModel, build_model, save_model
from respllm.pretraining.text.ngrams import NgramModel
from respllm.pretraining.text.observing import TextRecorder
from respllm.pretraining.text.optimising import optimise
from respllm.pretraining.text.perplexity import Perplexity, Reader, perplexity
from respllm.pretraining.text.settings import TextPretraining
from respllm.pretraining.text.splitting import TextSplit, split_documents
from respllm.pretraining.text.state import TextProgress, TextState
from respllm.pretraining.text.stream import TokenStream
from respllm.pretraining.text.tokenizer import learn_tokenizer, read_tokenizer, save_tokenizer
from respllm.training.curves import Curves
from respllm.version import __version__

BIGRAM, TRIGRAM, LANGUAGE_MODEL = "bigram", "trigram", "language model"


@dataclass(frozen=True, slots=True)
class TextPretrainingResult:
    """How a text pretraining ended.

    Attributes:
        folder: of the run; the language model is in its `model`.
        parameters: of the language model.
        epoch_tokens: tokens of an epoch, with those that are read more often.
        emphasised: documents that are read more often.
        steps, best_step: optimiser steps done, and the one whose weights were kept.
        validation_loss: nats per token at `best_step`.
        split: who is in which part.
        perplexities: on the test part, of the saved weights and of the models they have to beat.
        cloze: respiratory knowledge of the same models.
    """

    folder: Path
    parameters: int
    epoch_tokens: int
    emphasised: int
    steps: int
    best_step: int
    validation_loss: float
    split: TextSplit
    perplexities: tuple[Perplexity, ...]
    cloze: ClozeResult


def pretrain_text(
    settings: TextPretraining,
    out: Path,
    *,
    source_folder: Path = Path(),
    resume: bool = False,
    console: Console | None = None,
) -> TextPretrainingResult:
    """Learn a tokenizer and a language model from texts, and measure both on texts held out.

    Args:
        out: the run's folder; new, or an interrupted run's with `resume`.
        source_folder: where relative paths of sources start.
        resume: go on with an interrupted run; it ends with the weights it would have had.
        console: shows the progress bar.

    Raises:
        RespllmError: see `read_documents`, `split_documents`, `TextFolder.start` and `optimise`.
    """
    folder = TextFolder(out)
    documents = read_documents(settings.sources, source_folder)
    split = split_documents(
        documents, settings.validation_share, settings.test_share, settings.seed
    )
    folder.start(settings, resume)
    digest = _digest(documents)
    tokenizer = _tokenizer(folder, settings, documents, split, digest)
    parts = {
        name: [_ids(tokenizer, documents[i]) for i in positions]
        for name, positions in (
            ("train", split.train),
            ("validation", split.validation),
            ("test", split.test),
        )
    }
    repeats = _repeats(settings, [documents[i] for i in split.train])
    training = settings.training
    stream = TokenStream(
        parts["train"], repeats, training.context, training.batch_size, settings.seed
    )
    model = build_model(settings.model, training.dropout, default_device(), settings.seed)
    start = TextState.load(folder.state) if folder.state.is_file() else None
    earlier = start.progress if start else TextProgress()
    console = console or Console(stderr=True)
    begun = time.monotonic()
    with Curves(
        out / "tensorboard", "reading", "validation", earlier.step, training.steps, console
    ) as curves:
        recorder = TextRecorder(folder, curves, earlier)
        progress = optimise(
            model, stream, parts["validation"], training, settings.seed, recorder, start
        )
    seconds = time.monotonic() - begun
    _save(model, tokenizer, folder)
    from transformers import LlamaForCausalLM

    # What is measured is what is used: the saved weights.
    with bars_on_terminals_only():
        saved = LlamaForCausalLM.from_pretrained(folder.model, dtype=torch.float32)
    readers: dict[str, Reader] = {
        LANGUAGE_MODEL: LanguageModel(saved.to(default_device()), training.context),
        TRIGRAM: NgramModel(parts["train"], 3, settings.model.vocabulary),
        BIGRAM: NgramModel(parts["train"], 2, settings.model.vocabulary),
    }
    texts = [documents[i].whole for i in split.test]
    items = cloze_items()
    scores = {name: score_items(items, reader, tokenizer) for name, reader in readers.items()}
    assert progress.best is not None
    result = TextPretrainingResult(
        folder=out,
        parameters=sum(p.numel() for p in model.parameters()),
        epoch_tokens=stream.tokens,
        emphasised=sum(number > 1 for number in repeats),
        steps=progress.step,
        best_step=progress.best_step,
        validation_loss=progress.best,
        split=split,
        perplexities=tuple(
            perplexity(name, reader, parts["test"], texts) for name, reader in readers.items()
        ),
        cloze=compare_readers(items, scores, LANGUAGE_MODEL, BIGRAM),
    )
    write_whole(
        folder.model / "README.md",
        text_card(settings, result, folder.read_metrics()).encode(),
    )
    folder.write_record(_record(settings, result, digest, seconds))
    return result


def _tokenizer(
    folder: TextFolder,
    settings: TextPretraining,
    documents: Sequence[Document],
    split: TextSplit,
    digest: str,
) -> TextTokenizer:
    """The run's tokenizer, learned at its first start; the texts must still be the same."""
    file, note = folder.tokenizer / "tokenizer.json", folder.tokenizer / "texts.sha256"
    if note.is_file():
        if note.read_text(encoding="utf-8").strip() != digest:
            raise DataError(
                "The texts are not those that this run began with",
                where=str(folder.path),
                next_step="put the old files back, or choose another --out",
            )
        return read_tokenizer(file)
    size = settings.model.vocabulary
    tokenizer = learn_tokenizer((documents[i].whole for i in split.train), size)
    found = len(tokenizer.tokenizer)
    if found != size:
        raise ConfigError(
            f"The texts give {found} tokens, not {size}",
            where="model.vocabulary",
            next_step=f"set it to {found} or less, or add sources",
        )
    save_tokenizer(tokenizer, folder.tokenizer)
    write_whole(note, f"{digest}\n".encode())  # last: the tokenizer is whole
    return tokenizer


def _ids(tokenizer: TextTokenizer, document: Document) -> np.ndarray:
    return np.array(tokenizer.prompt_ids(document.whole), np.int64)


def _repeats(settings: TextPretraining, documents: Sequence[Document]) -> list[int]:
    """How often each document is read per epoch."""
    more = settings.emphasis
    if more is None:
        return [1] * len(documents)
    return [more.repeats if emphasised(document, more) else 1 for document in documents]


def _save(model: Any, tokenizer: TextTokenizer, folder: TextFolder) -> None:
    new = folder.model.with_name("model.new")
    shutil.rmtree(new, ignore_errors=True)
    save_model(model, new)
    save_tokenizer(tokenizer, new)
    shutil.rmtree(folder.model, ignore_errors=True)
    new.rename(folder.model)


def _digest(documents: Sequence[Document]) -> str:
    digest = hashlib.sha256()
    for document in documents:
        digest.update(repr((document.text, document.heading, document.topic)).encode())
    return digest.hexdigest()


def _record(
    settings: TextPretraining, result: TextPretrainingResult, digest: str, seconds: float
) -> dict[str, Any]:
    split = {
        name: len(value) if isinstance(value, tuple | list) else value
        for name, value in asdict(result.split).items()
    }
    # No path of this machine.
    return asdict(result) | {
        "folder": settings.name,
        "split": split,
        "texts_sha256": digest,
        "seconds_of_this_start": seconds,
        "versions": {
            "respllm": __version__,
            "torch": torch.__version__,
            "python": platform.python_version(),
        },
    }
