"""X_p, the task prompt (paper 3.2 and Figure 5)."""

from __future__ import annotations

from typing import Protocol


class Instruction(Protocol):
    """The words a task is asked in."""

    @property
    def dataset_description(self) -> str:
        """What the data comes from: "the UK COVID-19 Vocal Audio Dataset"."""

    @property
    def question(self) -> str:
        """The whole question: "whether the person has asthma"."""

    @property
    def sound(self) -> str:
        """What is listened to: "lung sounds"."""

    @property
    def word_for_1(self) -> str:
        """The answer that 1 stands for: "asthma"."""

    @property
    def word_for_0(self) -> str:
        """The answer that 0 stands for: "healthy"."""


def task_prompt(task: Instruction) -> str:
    """Write the task prompt X_p of a task, as in Figure 5 of the paper."""
    return (
        f"Dataset description: This data comes from {task.dataset_description}. "
        f"Task description: classify {task.question} given the following information and audio "
        f"of the person's {task.sound}. "
        f"Please output 1 for {task.word_for_1}, and 0 for {task.word_for_0}."
    )
