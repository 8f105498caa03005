"""What is known of a training clip's sound, from its task, its answer and its annotation."""

from __future__ import annotations

from dataclasses import replace

from respllm import prompts
from respllm.tasks import Task
from respllm.tasks.clips import abnormal_sound
from respllm.types import Clip, Example


def sound_text(example: Example, task: Task) -> str:
    """The text that an example's audio tokens are aligned with; see `respllm.prompts.sound_text`.

    Args:
        example: a labelled training example, and nothing else: the text tells its answer.
        task: that asks it.
    """
    record = example.clip.record
    assert example.label is not None
    return prompts.sound_text(
        task.sound,
        task.word_for_1 if example.label else task.word_for_0,
        _added_sounds(example.clip),
        record.dms.recording_location,
    )


def _added_sounds(clip: Clip) -> tuple[str, ...] | None:
    """What is annotated in the clip, by the rule that labels clips; None if nothing ever was."""
    events = clip.record.events
    if not events:
        return None
    alone = (
        [replace(event, wheeze=False) for event in events],
        [replace(event, crackle=False) for event in events],
    )
    return tuple(
        name
        for name, kept in zip(prompts.ADDED_SOUNDS, alone, strict=True)
        if abnormal_sound(replace(clip, record=replace(clip.record, events=tuple(kept))))
    )
