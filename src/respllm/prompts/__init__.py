"""The only room that writes English to the model."""

from respllm.prompts.dms_text import dms_text, has_long_words
from respllm.prompts.sound_text import ADDED_SOUNDS, sound_text
from respllm.prompts.task_prompt import Instruction, task_prompt

__all__ = [
    "ADDED_SOUNDS",
    "Instruction",
    "dms_text",
    "has_long_words",
    "sound_text",
    "task_prompt",
]
