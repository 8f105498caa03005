"""Texts to token ids, so that free text stays text."""

from __future__ import annotations

from typing import Any

MAX_DMS_TOKENS = 256
"""A longer DMS text is cut after this many tokens; the golden texts need 20 to 60."""


class TextTokenizer:
    """X_p and X_d as token ids of the language model's own tokenizer (paper 3.1).

    The prompt begins with the tokenizer's begin-of-sequence token, if it has one; nothing else is
    added, so the sequence has one beginning and no end before the audio. Words that look like
    special tokens are read as plain text.

    Args:
        tokenizer: a fast tokenizer of `transformers`.
    """

    def __init__(self, tokenizer: Any) -> None:
        self.tokenizer = tokenizer

    def prompt_ids(self, text: str) -> list[int]:
        """Token ids of a task prompt."""
        bos = self.tokenizer.bos_token_id
        return ([] if bos is None else [bos]) + self._plain(text)

    def dms_ids(self, text: str) -> list[int]:
        """Token ids of a DMS text that follows a prompt; none for ""."""
        return self._plain(" " + text)[:MAX_DMS_TOKENS] if text else []

    def _plain(self, text: str) -> list[int]:
        return self.tokenizer(text, add_special_tokens=False, split_special_tokens=True)[
            "input_ids"
        ]
