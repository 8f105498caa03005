"""A model's answers beside the true ones, as they are kept in a file."""

from __future__ import annotations

from collections.abc import Sequence

from respllm.evaluation import ScoredClip, ScoreRow
from respllm.types import Example, Split

SCORES = "clips.csv"
"""Where every scored clip of a run or study is kept."""


def score_rows(
    source: str, part: Split, examples: Sequence[Example], logits: Sequence[float]
) -> list[ScoreRow]:
    """Labelled examples with their scores, as they are kept in a file.

    Args:
        source: what the model was trained on.
        part: which part of their tasks the examples are in.
    """
    return [
        ScoreRow(source, part, example.clip.clip_id, ScoredClip.of(example, logit))
        for example, logit in zip(examples, logits, strict=True)
        if example.label is not None
    ]
