"""Models whose answer is known, and people to ask about."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

from respllm.audits.asking import Answered, Listener, answered
from respllm.prompts import dms_text, task_prompt
from respllm.tasks import Selection, Task, get_task
from respllm.types import Clip, Dms, Example, ProtocolName, Record

Answer = Callable[[str, str, float], float]
"""(prompt, DMS text, first audio number) -> logit."""


NOTHING = Dms()


class Letters:
    """A tokenizer whose tokens are letters."""

    def prompt_ids(self, text: str) -> list[int]:
        return [ord(letter) for letter in text]

    dms_ids = prompt_ids


class Known(nn.Module):
    """Answers by a rule, and counts what it is asked."""

    def __init__(self, rule: Answer) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.rule = rule
        self.asked: list[tuple[str, str, float]] = []

    def forward(self, batch: Any) -> torch.Tensor:
        prompts = [
            _text(ids, n) for ids, n in zip(batch.prompt_ids, batch.prompt_lengths, strict=True)
        ]
        rows = []
        for i in range(len(batch)):
            prompt = prompts[int(batch.prompt_of[i])]
            text = _text(batch.dms_ids[i], batch.dms_lengths[i])
            self.asked.append((prompt, text, float(batch.audio[i, 0, 0])))
            rows.append([0.0, self.rule(*self.asked[-1])])
        return torch.tensor(rows)


def _text(ids: torch.Tensor, length: torch.Tensor) -> str:
    return "".join(chr(int(letter)) for letter in ids[: int(length)])


@dataclass(frozen=True, slots=True)
class Someone:
    """One recording: who, the answer, the first number of its audio tokens, what is stated."""

    name: str
    label: int
    sound: float = 0.0
    dms: Dms = NOTHING
    device: str | None = None
    site: str | None = None
    language: str | None = None


def examples_of(people: Sequence[Someone], task: Task) -> tuple[Example, ...]:
    found = []
    for i, one in enumerate(people):
        record = Record(
            f"kauh/{one.name}-{i}",
            f"kauh/{one.name}",
            "kauh",
            "lung",
            Path(f"{one.name}-{i}.wav"),
            one.dms,
            {task.condition_name: one.label},
            device=one.device,
            site=one.site,
            language=one.language,
        )
        found.append(
            Example(task.id, Clip(record), task_prompt(task), dms_text(one.dms), one.label)
        )
    return tuple(found)


def asked_about(
    people: Sequence[Someone],
    rule: Answer,
    task: str = "T6",
    *,
    trained: bool = False,
    protocol: ProtocolName = "clean",
) -> tuple[Answered, Listener, Known]:
    """A task on these people, answered by a rule."""
    examples = examples_of(people, get_task(task))
    tokens = np.zeros((len(people), 64, 2), np.float32)
    tokens[:, 0, 0] = [one.sound for one in people]
    heard: Any = SimpleNamespace(
        examples=examples, tokens=lambda rows: tokens[np.asarray(rows)].copy()
    )
    model = Known(rule)
    checkpoint: Any = SimpleNamespace(model=model, tokenizer=Letters())
    listener = Listener(checkpoint, heard)
    one = answered(get_task(task), listener, trained=trained, protocol=protocol)
    return one, listener, model


def selection_of(
    task_id: str,
    train: Sequence[Example] = (),
    test: Sequence[Example] = (),
    validation: Sequence[Example] = (),
) -> Selection:
    parts = {"train": tuple(train), "validation": tuple(validation), "test": tuple(test)}
    return Selection(task_id, "clean", parts, (), (), True)  # type: ignore[arg-type]


def crowd(n: int, seed: int = 0) -> list[Someone]:
    """n people, half positive, whose sound and whose age both tell the answer well."""
    rng = np.random.default_rng(seed)
    return [
        Someone(
            f"p{i}",
            i % 2,
            float(rng.normal(1.5 * (i % 2))),
            Dms(
                gender="Female" if rng.random() < 0.5 else "Male",
                age=float(np.clip(50 + 12 * (i % 2) + rng.normal(0, 12), 18, 90).round()),
            ),
        )
        for i in range(n)
    ]
