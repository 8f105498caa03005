"""What a language model knows of respiratory health: sentences with one right ending of four."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import Field
from scipy.stats import binomtest

from respllm.batching import TextTokenizer
from respllm.config import StrictModel, read_yaml
from respllm.evaluation.assessment import Estimate
from respllm.pretraining.text.perplexity import Reader

ITEMS = Path(__file__).with_name("cloze.yaml")
BLANK = "___"


class ClozeItem(StrictModel):
    """A sentence with a gap.

    Attributes:
        topic: a condition or a field of knowledge.
        sentence: with one `___`, not at its beginning.
        right: what belongs there.
        wrong: what does not, but would fit as well by grammar.
    """

    topic: str
    sentence: str = Field(pattern=r"^\S.* ___[^_]*$")
    right: str = Field(min_length=1)
    wrong: tuple[str, str, str]

    @property
    def choices(self) -> tuple[str, ...]:
        """What may stand in the gap; the first is right."""
        return (self.right, *self.wrong)


class _ClozeFile(StrictModel):
    items: tuple[ClozeItem, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class ClozeScore:
    """One model's answers.

    Attributes:
        model: what it is called.
        right: share of items whose right choice scored highest; one in four by chance. A tie with
            a wrong one is no right answer. Interval: 95%, exact (Clopper and Pearson 1934), as if
            items were independent.
        topics: right answers and items per topic.
    """

    model: str
    right: Estimate
    topics: dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class ClozeResult:
    """All models' answers to the same items.

    Attributes:
        items: how many.
        scores: one per model.
        only_first, only_second: items that only the language model, or only the bigram model, got
            right.
        share: `only_first` among both, with an exact 95% interval: above one half, the language
            model knows more.
        p_value: of no difference; two-sided, exact (McNemar 1947).
    """

    items: int
    scores: tuple[ClozeScore, ...]
    only_first: int
    only_second: int
    share: Estimate
    p_value: float


def cloze_items(path: Path = ITEMS) -> tuple[ClozeItem, ...]:
    """The items that come with the package, or those of a file like it.

    Raises:
        ConfigError: no such file.
    """
    return read_yaml(path, _ClozeFile).items


def score_items(items: Sequence[ClozeItem], reader: Reader, tokenizer: TextTokenizer) -> np.ndarray:
    """(items, 4) log-likelihood per byte of what stands in the gap and after it, given what is
    before; the right choice comes first."""
    documents, starts, sizes = [], [], []
    for item in items:
        before, after = item.sentence.split(BLANK)
        lead = tokenizer.prompt_ids(before.rstrip())
        for choice in item.choices:
            rest = f"{choice}{after}"
            # A leading space, as everywhere in a sequence.
            documents.append(np.array(lead + tokenizer.dms_ids(rest), np.int64))
            starts.append(len(lead) - 1)
            sizes.append(len(rest.encode()))
    read = reader.log_probabilities(documents)
    values = [
        values[start:].sum() / size for values, start, size in zip(read, starts, sizes, strict=True)
    ]
    return np.array(values).reshape(len(items), -1)


def compare_readers(
    items: Sequence[ClozeItem], scores: Mapping[str, np.ndarray], first: str, second: str
) -> ClozeResult:
    """Count right answers, and compare two models on the same items.

    Args:
        scores: per model, as `score_items` gives them.
        first, second: names of the two.
    """
    right = {name: values[:, 0] > values[:, 1:].max(1) for name, values in scores.items()}
    only_first = int((right[first] & ~right[second]).sum())
    only_second = int((right[second] & ~right[first]).sum())
    differ = only_first + only_second
    return ClozeResult(
        items=len(items),
        scores=tuple(_score(name, items, hits) for name, hits in right.items()),
        only_first=only_first,
        only_second=only_second,
        share=_share(only_first, differ) if differ else Estimate(None, None, None),
        p_value=float(binomtest(only_first, differ).pvalue) if differ else 1.0,
    )


def _score(name: str, items: Sequence[ClozeItem], hits: np.ndarray) -> ClozeScore:
    topics: dict[str, tuple[int, int]] = {}
    for item, hit in zip(items, hits.tolist(), strict=True):
        found, seen = topics.get(item.topic, (0, 0))
        topics[item.topic] = (found + hit, seen + 1)
    return ClozeScore(name, _share(int(hits.sum()), len(hits)), topics)


def _share(hits: int, count: int) -> Estimate:
    interval = binomtest(hits, count).proportion_ci(method="exact")
    return Estimate(hits / count, float(interval.low), float(interval.high))
