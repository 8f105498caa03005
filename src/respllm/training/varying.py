"""Training examples once more, as they might have been: another device, another room, less told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace

import numpy as np

from respllm.batching import Heard, hear
from respllm.config import RunConfig
from respllm.encoders import AudioEncoder
from respllm.prompts import dms_text
from respllm.tasks.selection import shown_dms
from respllm.types import Dms, Example, ProtocolName


def with_views(
    heard: Heard,
    config: RunConfig,
    encoder: AudioEncoder,
    progress: Callable[[int, int], None] | None = None,
) -> Heard:
    """What an epoch reads: every training example, and its views.

    Args:
        heard: training examples, and nothing else.
        progress: called with (clips done, clips in all).
    """
    training = config.training
    if not training.views:
        return heard
    examples = varied(
        heard.examples, training.views, training.hidden_fields, config.protocol, config.seed
    )
    return hear(list(examples), encoder, progress=progress)


def varied(
    examples: Sequence[Example], views: int, hidden_fields: float, protocol: ProtocolName, seed: int
) -> Iterator[Example]:
    """The examples as they are, and then so many times as they might have been.

    Args:
        examples: training examples, and nothing else.
        views: how many times; each has another `Clip.view`.
        hidden_fields: share of what was stated that is left out in a view, field by field.
        protocol: of the run: what of the stated is shown at all.
        seed: decides what is left out.
    """
    yield from examples
    rng = np.random.default_rng(seed)
    for view in range(1, views + 1):
        for example in examples:
            record = example.clip.record
            shown = shown_dms(record.dms, record.dataset, protocol)
            yield replace(
                example,
                clip=replace(example.clip, view=view),
                dms_text=dms_text(_partly(shown, hidden_fields, rng)),
            )


def _partly(dms: Dms, hidden: float, rng: np.random.Generator) -> Dms:
    left_out = rng.random(len(fields(Dms))) < hidden
    return replace(
        dms, **{f.name: None for f, out in zip(fields(Dms), left_out, strict=True) if out}
    )
