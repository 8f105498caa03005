"""The model card that travels with a pretrained encoder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import yaml

from respllm.audio.describing import KINDS
from respllm.datasets import DATASETS
from respllm.encoders.architectures import ARCHITECTURES
from respllm.pretraining.audio.settings import AudioPretraining, Source

if TYPE_CHECKING:
    from respllm.pretraining.audio.pretrain import PretrainingSummary

COMMAND = "respllm pretrain audio"


def audio_card(
    settings: AudioPretraining,
    summary: PretrainingSummary,
    parameters: int,
    curve: Sequence[Mapping[str, Any]],
) -> str:
    """Write what it is, whom it heard, whose terms apply and how it was made.

    Args:
        parameters: of the network.
        curve: one entry per validation, with "step" and the names of `Validation`.
    """
    architecture = ARCHITECTURES[settings.encoder]
    frames, bands = architecture.patch
    return f"""---
library_name: respllm
tags: [audio, respiratory, self-supervised]
---
# {settings.encoder}, pretrained on respiratory sounds

An HTS-AT of {parameters / 1e6:.2f} M parameters: a log-mel of 8.18 s (256 frames x 64 bands) to
64 tokens, each for {frames} frames x {bands} bands: {architecture.width} learned numbers, then
{KINDS * bands} that are computed (levels, bursts and lasting tones of the patch). It learned
without an answer about anybody. Weights: `{summary.identity}`

**Research software. Not a medical device: nothing that is built on it is a diagnosis.**

## Heard
{summary.hours:.2f} hours of {summary.people} people; {summary.validation_people} others to stop by.

{_sources(settings.hear, summary.recordings)}
Left out by person and by the bytes of a recording:

{_sources(settings.never, {})}
`learned.json` names everybody it heard as hashes, so that a test notices them.

## Made with
```
{COMMAND} CONFIG --data-root DATA
```
and the run file
```yaml
{yaml.safe_dump(settings.model_dump(mode="json", exclude_unset=True), sort_keys=False)}```
{summary.steps} steps; the weights are those of step {summary.best_step}, the best on people held
out, in float16. Objectives: find the other crop of a recording among other people's
(contrastive), fill in hidden patches (reconstruction), tell levels, bursts and lasting tones of
each patch as they were before room and device changed them (description).

| step | loss | contrastive | crops found | reconstruction | description |
|---|---|---|---|---|---|
{_curve(curve)}
## Limits
Few people, few devices, and for most sources one country. What it says of sounds it never heard
(infants, intensive care, other stethoscopes) nobody has measured.
"""


def _sources(sources: Sequence[Source], counts: Mapping[str, int]) -> str:
    return "".join(
        f"- {_title(source)}{_count(source, counts)}{_terms(source)}\n" for source in sources
    )


def _title(source: Source) -> str:
    if source.dataset is not None:
        title = DATASETS[source.dataset].title if source.dataset in DATASETS else source.dataset
        return f"{title}, {source.part} part" if source.part else title
    if source.simulated is not None:
        return "sounds synthesised by respllm"
    if source.table is not None:
        chosen = "; ".join(f"{name} = {value}" for name, value in source.table.where.items())
        return f"{source.name} ({chosen})" if chosen else source.name
    return f"recordings of the folder {source.name}"


def _count(source: Source, counts: Mapping[str, int]) -> str:
    return f": {counts[source.name]} recordings" if source.name in counts else ""


def _terms(source: Source) -> str:
    dataset = DATASETS.get(source.dataset or "")
    return f". {dataset.citation}. Terms: {dataset.licence}" if dataset else ""


def _curve(curve: Sequence[Mapping[str, Any]]) -> str:
    names = ("loss", "contrastive", "found", "reconstruction", "description")
    return "".join(
        f"| {line['step']} | {' | '.join(_number(line[name]) for name in names)} |\n"
        for line in curve
    )


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
