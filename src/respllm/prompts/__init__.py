"""The only room that writes English to the model."""

from respllm.prompts.dms_text import dms_text, has_long_words
from respllm.prompts.task_prompt import Instruction, task_prompt

__all__ = ["Instruction", "dms_text", "has_long_words", "task_prompt"]
