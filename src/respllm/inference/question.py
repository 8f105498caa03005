"""What a model is asked: a task it knows, another task, or a condition that no task names."""

from __future__ import annotations

from dataclasses import dataclass

from respllm.errors import ConfigError, unknown_name
from respllm.models import CheckpointConfig, KnownTask
from respllm.prompts import task_prompt
from respllm.tasks import builtin_tasks, get_task

UNVALIDATED = (
    "Unvalidated: this model was never tested on this question. "
    "The number is a score, without a verdict."
)
UNKNOWN_SHARE = (
    "The share of positives is not known here: the probability assumes that of the training."
)


@dataclass(frozen=True, slots=True)
class Question:
    """A task prompt with what is known about it.

    Attributes:
        task_id: the task's id, or "condition:<name>".
        prompt: X_p.
        known: the task as the model remembers it; None if it was neither trained nor tested on it.
    """

    task_id: str
    prompt: str
    known: KnownTask | None

    @property
    def notes(self) -> tuple[str, ...]:
        """What a reader must know beside an answer."""
        if self.known is None:
            return (UNVALIDATED, UNKNOWN_SHARE)
        return () if self.known.prior is not None else (UNKNOWN_SHARE,)


@dataclass(frozen=True, slots=True)
class _FreeCondition:
    condition: str
    sound: str
    dataset_description: str = "recordings of respiratory sounds"
    word_for_0: str = "healthy"

    @property
    def question(self) -> str:
        return f"whether the person has {self.condition}"

    @property
    def word_for_1(self) -> str:
        return self.condition


def task_question(config: CheckpointConfig, task: str) -> Question:
    """Ask a task by its id ("T5", or one of the model's own) or by its task file.

    Raises:
        ConfigError: no such task.
    """
    known = config.task(task)
    if known is not None:
        return Question(task, known.prompt, known)
    if not task.endswith((".yaml", ".yml")) and task not in builtin_tasks():
        names = dict.fromkeys([*(t.id for t in config.tasks), *builtin_tasks()])
        raise ConfigError(
            unknown_name("task", task, names),
            next_step="use one of these, a task file, or --condition with --sound",
        )
    asked = get_task(task)
    prompt = task_prompt(asked)
    return Question(asked.id, prompt, config.asked(asked.id, prompt))


def condition_question(condition: str, sound: str) -> Question:
    """Ask about a condition that no task names, heard in `sound` ("lung sounds")."""
    if not condition.strip() or not sound.strip():
        raise ConfigError(
            "A condition needs a name and a sound",
            expected='for example condition "pneumonia" and sound "lung sounds"',
        )
    condition, sound = " ".join(condition.split()), " ".join(sound.split())
    return Question(f"condition:{condition}", task_prompt(_FreeCondition(condition, sound)), None)
