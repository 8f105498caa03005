"""Prompts that were read once: their keys and values, for all later questions of a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from respllm.models.packed_attention import PackedRow

MOST = 64
"""Prompts that are kept: all tasks, but not every condition that anybody ever asked about."""

Read = Callable[[Sequence[tuple[int, ...]]], tuple[list[tuple[Tensor, Tensor]], list[range]]]


class PromptMemory:
    """Keys and values of prompts, by their token ids.

    Of one model in one precision, whose weights do not change while the memory is used: about
    0.1 MiB a prompt for nano, 10 MiB for a model of 8 billion parameters.

    Attributes:
        keys, values: per layer, (K, Hkv, D).
        rows: where each prompt's rows are.
    """

    def __init__(self) -> None:
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self.rows: dict[tuple[int, ...], range] = {}

    def __len__(self) -> int:
        return len(self.keys[0]) if self.keys else 0

    def learn(self, prompts: Sequence[tuple[int, ...]], read: Read) -> None:
        """Have those prompts read that are not known yet; with too many, forget all others."""
        if len(self.rows.keys() | set(prompts)) > MOST:
            self.keys, self.values, self.rows = [], [], {}
        new = sorted(set(prompts) - self.rows.keys())
        if not new:
            return
        layers, places = read(new)
        before = len(self)
        for number, (keys, values) in enumerate(layers):
            if before:
                keys = torch.cat([self.keys[number], keys])
                values = torch.cat([self.values[number], values])
                self.keys[number], self.values[number] = keys, values
            else:
                self.keys.append(keys)
                self.values.append(values)
        self.rows |= {
            prompt: range(before + place.start, before + place.stop)
            for prompt, place in zip(new, places, strict=True)
        }

    def row_of(self, packed: PackedRow) -> PackedRow:
        """Give a packed row what is kept."""
        packed.keys, packed.values = self.keys, self.values
        return packed
