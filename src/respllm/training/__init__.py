"""One training loop for every model."""

from respllm.training.data import validation_examples
from respllm.training.run_folder import RunFolder, write_json, write_text
from respllm.training.train import TrainingSummary, train

__all__ = [
    "RunFolder",
    "TrainingSummary",
    "train",
    "validation_examples",
    "write_json",
    "write_text",
]
