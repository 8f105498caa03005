"""Prompts that were read once: their keys and values, for all later questions of a task."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock

import torch
from torch import Tensor

MOST = 64
"""Prompts that are kept: all tasks, but not every condition that anybody ever asked about."""

Read = Callable[[Sequence[tuple[int, ...]]], tuple[list[tuple[Tensor, Tensor]], list[range]]]
"""Prompts to keys and values of each layer, (K, Hkv, D), and the rows of each prompt."""


@dataclass(frozen=True, slots=True)
class KeptPrompts:
    """What is kept at one moment; it does not change.

    Attributes:
        keys, values: per layer, (K, Hkv, D).
        rows: where each prompt's rows are, by its token ids.
        size: K.
    """

    keys: tuple[Tensor, ...] = ()
    values: tuple[Tensor, ...] = ()
    rows: dict[tuple[int, ...], range] = field(default_factory=dict)
    size: int = 0


class PromptMemory:
    """Keys and values of prompts, for inference; threads may share it.

    Of one model in one precision, whose weights do not change while the memory is used: about
    0.1 MiB a prompt for nano, 10 MiB for a model of 8 billion parameters.

    Attributes:
        kept: what is known.
    """

    def __init__(self) -> None:
        self.kept = KeptPrompts()
        self._lock = Lock()

    def with_prompts(self, prompts: Sequence[tuple[int, ...]], read: Read) -> KeptPrompts:
        """What is kept, once these prompts are known; with too many, all others are forgotten."""
        assert not torch.is_grad_enabled(), "what is kept has no gradient"
        with self._lock:
            kept = self.kept
            if len(kept.rows.keys() | set(prompts)) > MOST:
                kept = KeptPrompts()
            new = sorted(set(prompts) - kept.rows.keys())
            if new:
                layers, places = read(new)
                kept = KeptPrompts(
                    tuple(_joined(kept.keys, [keys for keys, _ in layers])),
                    tuple(_joined(kept.values, [values for _, values in layers])),
                    kept.rows
                    | {
                        prompt: range(kept.size + place.start, kept.size + place.stop)
                        for prompt, place in zip(new, places, strict=True)
                    },
                    kept.size + places[-1].stop,
                )
            self.kept = kept
            return kept


def _joined(before: Sequence[Tensor], new: Sequence[Tensor]) -> list[Tensor]:
    if not before:
        return list(new)
    return [torch.cat(pair) for pair in zip(before, new, strict=True)]
