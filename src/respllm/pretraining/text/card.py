"""The model card that travels with a pretrained language model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from respllm.evaluation.assessment import Estimate
from respllm.pretraining.text.folder import COMMAND
from respllm.pretraining.text.settings import TextPretraining

if TYPE_CHECKING:
    from respllm.pretraining.text.pretrain import TextPretrainingResult


def text_card(
    settings: TextPretraining,
    result: TextPretrainingResult,
    metrics: Sequence[Mapping[str, Any]],
) -> str:
    """Write what it is, what it read, whose terms apply, how it was made and what it knows.

    Args:
        metrics: one entry per validation, with "step", "loss" (may be None) and "validation_loss".
    """
    cloze = result.cloze
    size = settings.model
    return f"""---
library_name: transformers
pipeline_tag: text-generation
language: en
tags: [medical, respiratory]
---
# {settings.name}

A Llama of {result.parameters / 1e6:.2f} M parameters that has read medical texts, to be taught
about recordings by `respllm train` (`model.llm: <this folder>`).

**Research software. Not a medical device. What it writes is often wrong; none may guide care.**

- {size.layers} blocks of width {size.width} with {size.heads} heads
- Context while learning: {settings.training.context} tokens
- Tokenizer: byte-level BPE, {size.vocabulary} tokens, of the train part
- Weights: bfloat16

## Read
{_sources(settings)}
Whoever passes the weights on names these sources, as their licences want.

{_documents(result)}

## Made with
```
{COMMAND} CONFIG
```
and the settings in `config.yaml` beside this folder: seed {settings.seed},
{settings.training.optimizer}, learning rate {settings.training.learning_rate:g},
{result.steps} steps of {settings.training.batch_size} x {settings.training.context} tokens; the
weights are those of step {result.best_step}, the best on the validation documents.

| step | loss while learning (smoothed) | validation loss (nats per token) |
|---|---|---|
{_curve(metrics)}

## Test documents
| model | perplexity per token | bits per byte |
|---|---|---|
{_perplexities(result)}

Bigram and trigram: interpolated Kneser-Ney, of the same tokens and documents.

## Respiratory knowledge
{cloze.items} sentences with one right ending of four (`cloze.yaml` of respllm), by log-likelihood
per byte. Intervals: 95%, exact, as if sentences were independent.

| model | right |
|---|---|
{_answers(result)}

Right by the language model only: {cloze.only_first}, by the bigram model only: {cloze.only_second}
(share {_estimate(cloze.share)}; exact McNemar test, p = {cloze.p_value:.2g}).

## Limits
English. A few million words: it has heard of common conditions and knows little of any. What is
younger than its sources it has never read of.
"""


def _sources(settings: TextPretraining) -> str:
    return "".join(
        f"- {source.title}. {source.attribution.strip()}. Licence: {source.licence}\n"
        for source in settings.sources
    )


def _documents(result: TextPretrainingResult) -> str:
    split = result.split
    return f"""Documents: {len(split.train)} to learn from, {len(split.validation)} to stop by,
{len(split.test)} to test on; {split.topics} topics in {split.groups} groups that share no text.
Each of {split.near} pairs of near duplicates ({split.exact} of them exact) is in one part. Of the
test part's stretches of 8 words, {100 * split.shared_stretches:.1f}% also stand in the train part
(stock phrases). An epoch has {result.epoch_tokens} tokens; {result.emphasised} documents are read
more than once in it."""


def _curve(metrics: Sequence[Mapping[str, Any]]) -> str:
    return "\n".join(
        f"| {entry['step']} | {_number(entry['loss'])} | {_number(entry['validation_loss'])} |"
        for entry in metrics
    )


def _perplexities(result: TextPretrainingResult) -> str:
    return "\n".join(
        f"| {one.model} | {one.per_token:.1f} | {one.bits_per_byte:.3f} |"
        for one in result.perplexities
    )


def _answers(result: TextPretrainingResult) -> str:
    return "\n".join(f"| {one.model} | {_estimate(one.right)} |" for one in result.cloze.scores)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _estimate(value: Estimate) -> str:
    if value.value is None:
        return "–"
    return f"{value.value:.2f} ({_number(value.low)} to {_number(value.high)})"
