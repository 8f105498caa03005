"""A text pretraining, declared as data: what is read, by which model, and how it is learned."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from respllm.config import StrictModel


class TextSource(StrictModel):
    """A file of JSON lines, plain or gzipped; one document a line.

    Attributes:
        path: the file; a relative path starts where the pretraining file lies.
        title: what the model card calls it.
        licence: its terms, for the model card.
        attribution: whom its licence wants named, for the model card.
        text: name of the field that holds the text.
        heading: name of a field that is written above it (a question, a title); None: none.
        topic: name of the field that says what it is about. Documents of one topic stay in one
            part. None: each is about something else.
    """

    path: Path
    title: str = Field(min_length=1)
    licence: str = Field(min_length=1)
    attribution: str = Field(min_length=1)
    text: str = "text"
    heading: str | None = None
    topic: str | None = None


class Emphasis(StrictModel):
    """Documents that are read more often than others while learning.

    Attributes:
        terms: beginnings of words, in lower case.
        density: a document is meant if words that begin so make up this share of it.
        repeats: how often it is read per epoch.
    """

    terms: tuple[str, ...] = Field(min_length=1)
    density: float = Field(default=0.01, gt=0, le=1)
    repeats: int = Field(default=3, ge=2)


class Architecture(StrictModel):
    """Size of the Llama. Input and output word embeddings are one matrix.

    Attributes:
        vocabulary: tokens of the tokenizer, at least its 256 bytes and one special token.
        width, layers, heads, inner: hidden size, blocks, attention heads, size inside the
            feed-forward part. The defaults have 10.06 M parameters, 2.6 M of them embeddings.
    """

    vocabulary: int = Field(default=8192, ge=257)
    width: int = Field(default=320, ge=2)
    layers: int = Field(default=6, ge=1)
    heads: int = Field(default=5, ge=1)
    inner: int = Field(default=864, ge=1)

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.width % self.heads or self.width // self.heads % 2:
            raise ValueError(f"width {self.width} must be an even multiple of heads {self.heads}")
        return self


class Optimisation(StrictModel):
    """How the language model is learned.

    Attributes:
        steps: optimiser steps, at most.
        context: tokens the model reads at once.
        batch_size: stretches of `context` tokens per step.
        micro_batch_size: stretches computed at once.
        optimizer: "adamw", or "muon" for the matrices inside the blocks (Jordan et al. 2024, with
            AdamW's step size as in Liu et al. 2025) beside AdamW for everything else.
        learning_rate: peak, after a linear warm-up; then a cosine to 0.
        weight_decay: decoupled; of matrices, not of embeddings and norms.
        warmup_fraction: share of all steps with a rising rate.
        gradient_clip: largest gradient norm.
        dropout: of attention weights.
        validate_every: steps between two validations; the state is saved at each.
        patience: validations without a lower loss before stopping; None never stops.
        bf16: compute in bfloat16 (autocast) where the processor or GPU has it.
    """

    steps: int = Field(default=900, ge=1)
    context: int = Field(default=256, ge=8)
    batch_size: int = Field(default=16, ge=1)
    micro_batch_size: int = Field(default=8, ge=1)
    optimizer: Literal["adamw", "muon"] = "adamw"
    learning_rate: float = Field(default=2e-3, gt=0)
    weight_decay: float = Field(default=0.1, ge=0)
    warmup_fraction: float = Field(default=0.05, ge=0, lt=1)
    gradient_clip: float = Field(default=1.0, gt=0)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    validate_every: int = Field(default=100, ge=1)
    patience: int | None = Field(default=3, ge=1)
    bf16: bool = False


class TextPretraining(StrictModel):
    """Everything that decides a pretrained language model, besides the texts.

    Attributes:
        name: of the run; also the default name of its folder.
        sources: what is read.
        emphasis: what is read more often; None: all alike.
        validation_share, test_share: of all words, kept to stop by and to report on.
        model: its size.
        training: how it is learned.
        seed: of the split, the weights and the order of documents.
    """

    name: str = Field(pattern=r"^[A-Za-z0-9._-]+$")
    sources: tuple[TextSource, ...] = Field(min_length=1)
    emphasis: Emphasis | None = None
    validation_share: float = Field(default=0.015, gt=0, lt=0.5)
    test_share: float = Field(default=0.05, gt=0, lt=0.5)
    model: Architecture = Architecture()
    training: Optimisation = Optimisation()
    seed: int = Field(default=0, ge=0, lt=2**31)
