"""The model and its checkpoints."""

from respllm.models.checkpoint import (
    Checkpoint,
    CheckpointConfig,
    assemble,
    checkpoint_folder,
    load_trained_state,
    trained_state,
)
from respllm.models.device import default_device, peak_memory
from respllm.models.known_task import KnownTask
from respllm.models.llm import PRESETS, Preset, load_llm
from respllm.models.out_of_memory import OutOfMemoryError
from respllm.models.predicting import predict_logits
from respllm.models.prompt_memory import PromptMemory
from respllm.models.respllm import RespLLM
from respllm.models.serving import for_inference

__all__ = [
    "PRESETS",
    "Checkpoint",
    "CheckpointConfig",
    "KnownTask",
    "OutOfMemoryError",
    "Preset",
    "PromptMemory",
    "RespLLM",
    "assemble",
    "checkpoint_folder",
    "default_device",
    "for_inference",
    "load_llm",
    "load_trained_state",
    "peak_memory",
    "predict_logits",
    "trained_state",
]
