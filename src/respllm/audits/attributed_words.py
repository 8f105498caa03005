"""From tokens to words, and from people to words: what is shown points at nobody."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from respllm.audits.integrated_gradients import Tokens
from respllm.batching import ExampleSet, TextTokenizer

FEWEST_PEOPLE = 5
"""A word of fewer people is shown with the other rare words only, so that it points at nobody."""

Part = Literal["prompt", "DMS"]


@dataclass(frozen=True, slots=True)
class WordAttribution:
    """One word, aggregated over people.

    Attributes:
        word: lower case without punctuation; numbers are "(number)", words of fewer than five
            people "(rarer words)".
        part: "prompt" or "DMS".
        mean: signed, in log-odds; above 0 it speaks for answer 1.
        mean_absolute: of the same values without their sign.
        people: whose text has the word.
    """

    word: str
    part: Part
    mean: float
    mean_absolute: float
    people: int


def word_attributions(
    tokenizer: TextTokenizer,
    examples: ExampleSet,
    positions: Sequence[int],
    found: Sequence[Tokens],
) -> tuple[WordAttribution, ...]:
    """Tokens to words, a word's occurrences to a person's mean, and that to a mean over people."""
    shares: dict[tuple[Part, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for position, tokens in zip(positions, found, strict=True):
        example = examples.examples[position]
        subject = example.clip.record.subject_id
        texts: tuple[tuple[Part, str], ...] = (
            ("prompt", example.prompt_text),
            ("DMS", " " + example.dms_text),
        )
        for part, text in texts:
            for word, share in _word_shares(tokenizer, text, tokens[part]):
                shares[part, word][subject].append(share)
    rare = {key for key in shares if key[0] == "DMS" and len(shares[key]) < FEWEST_PEOPLE}
    rarer: dict[str, list[float]] = defaultdict(list)
    for key in rare:
        for subject, values in shares.pop(key).items():
            rarer[subject] += values
    if len(rarer) >= FEWEST_PEOPLE:
        shares["DMS", "(rarer words)"] = rarer
    rows = [
        WordAttribution(
            word,
            part,
            float(np.mean([np.mean(values) for values in people.values()])),
            float(np.mean([np.mean(np.abs(values)) for values in people.values()])),
            len(people),
        )
        for (part, word), people in shares.items()
    ]
    return tuple(sorted(rows, key=lambda row: -row.mean_absolute))


def _word_shares(
    tokenizer: TextTokenizer, text: str, shares: np.ndarray
) -> Iterator[tuple[str, float]]:
    """Each word of a text, as it is shown of many people, with the sum of its tokens."""
    for word, share in written_words(tokenizer, text, shares):
        yield _name(word), share


def written_words(
    tokenizer: TextTokenizer, text: str, shares: np.ndarray
) -> Iterator[tuple[str, float]]:
    """Each word as it is written, with the sum of its tokens; a beginning of sequence is no word.

    Args:
        text: a prompt, or " " and a DMS text.
        shares: of the text's tokens.
    """
    encoded = tokenizer.tokenizer(
        text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True
    )
    offsets = encoded["offset_mapping"]
    first = 1 if len(shares) == len(offsets) + 1 else 0
    start, total, last = 0, 0.0, 0
    # A long DMS text is cut, so there may be fewer shares than tokens.
    for (begin, end), share in zip(offsets, shares[first:], strict=False):
        spaced = text[begin:end][:1].isspace() or text[max(begin - 1, 0) : begin].isspace()
        # White space alone is the beginning of the next word.
        if spaced and text[start:begin].strip():
            yield text[start:begin], total
            start, total = begin, 0.0
        total += float(share)
        last = end
    if len(shares) > first:
        yield text[start:last], total


def _name(word: str) -> str:
    plain = "".join(c for c in word.lower() if c.isalnum() or c in "-&+'").strip("'")
    if any(c.isalpha() for c in plain):
        return plain
    return "(number)" if plain.strip("-&+'") else "(punctuation)"
