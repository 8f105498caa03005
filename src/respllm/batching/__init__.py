"""Tokenise, weigh, mix and collate."""

from respllm.batching.balancing import balanced_weights, class_priors, implied_priors
from respllm.batching.batch import Batch
from respllm.batching.collating import ExampleSet
from respllm.batching.mixing import length_sorted_batches, mixed_batches
from respllm.batching.preparing import Heard, hear
from respllm.batching.tokenizing import TextTokenizer

__all__ = [
    "Batch",
    "ExampleSet",
    "Heard",
    "TextTokenizer",
    "balanced_weights",
    "class_priors",
    "hear",
    "implied_priors",
    "length_sorted_batches",
    "mixed_batches",
]
