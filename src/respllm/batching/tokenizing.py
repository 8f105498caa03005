"""Texts to token ids, so that free text stays text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from respllm.types import Example

MAX_DMS_TOKENS = 256
"""A longer DMS text is cut after this many tokens; the golden texts need 20 to 60."""
MAX_CHARACTERS = 64 * MAX_DMS_TOKENS
"""Of a DMS text that are looked at: more than its tokens hold, however long they are."""


class TextTokenizer:
    """X_p and X_d as token ids of the language model's own tokenizer (paper 3.1).

    The prompt begins with the tokenizer's begin-of-sequence token, if it has one; nothing else is
    added, so the sequence has one beginning and no end before the audio. Words that look like
    special tokens, or like added tokens in brackets ("<|user|>"), are read as plain text.

    Args:
        tokenizer: a fast tokenizer of `transformers`.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer
        self._reserved = _reserved(tokenizer)

    def prompt_ids(self, text: str) -> list[int]:
        """Token ids of a task prompt."""
        bos = self.tokenizer.bos_token_id
        return ([] if bos is None else [bos]) + self._plain(text)

    def dms_ids(self, text: str) -> list[int]:
        """Token ids of a DMS text that follows a prompt, at most 256; none for ""."""
        return self._read(text)[:MAX_DMS_TOKENS]

    def cuts(self, text: str) -> bool:
        """Whether a DMS text is too long, so that its end is not read."""
        if text.isascii() and len(text) < MAX_DMS_TOKENS // 2:
            return False  # such a character is one token at most: most texts are not tokenised
        return len(text) > MAX_CHARACTERS or len(self._read(text)) > MAX_DMS_TOKENS

    def _read(self, text: str) -> list[int]:
        return self._plain(" " + text[:MAX_CHARACTERS]) if text else []

    def _plain(self, text: str) -> list[int]:
        ids = self._encoded(text)
        if self._reserved.keys().isdisjoint(ids):
            return ids
        # `split_special_tokens` leaves tokens that were added without the mark "special", and
        # Unigram and WordLevel models have special tokens among their words.
        for token in self._reserved.values():
            text = text.replace(token, f"{token[0]} {token[1:]}")
        return [i for i in self._encoded(text) if i not in self._reserved]

    def _encoded(self, text: str) -> list[int]:
        valid = text.encode("utf-8", "replace").decode("utf-8")  # half a surrogate pair is no text
        return self.tokenizer(valid, add_special_tokens=False, split_special_tokens=True)[
            "input_ids"
        ]


def cut_note(examples: Iterable[Example], tokenizer: TextTokenizer) -> str:
    """How many examples, of how many people, have a DMS text that is cut; "" for none.

    It repeats nothing of any text.
    """
    examples = tuple(examples)
    cut = {text for text in {e.dms_text for e in examples} if tokenizer.cuts(text)}
    found = [e for e in examples if e.dms_text in cut]
    if not found:
        return ""
    people = {e.clip.record.subject_id for e in found}
    return (
        f"the stated words of {len(found)} of {len(examples)} examples, of {len(people)} people, "
        f"were cut after {MAX_DMS_TOKENS} tokens"
    )


def _reserved(tokenizer: Any) -> dict[int, str]:
    """Tokens that no text may give: special ones, and added ones in brackets."""
    unknown = {tokenizer.unk_token_id} - {tokenizer.bos_token_id, tokenizer.eos_token_id}
    found = dict(zip(tokenizer.all_special_ids, tokenizer.all_special_tokens, strict=True))
    for number, token in tokenizer.added_tokens_decoder.items():
        name = token.content.strip()
        if token.special or (name[:1] in ("<", "[") and name[-1:] in (">", "]")):
            found[number] = token.content
    return {number: token for number, token in found.items() if number not in unknown and token}
