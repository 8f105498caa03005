"""Tokenise, weigh, mix and collate."""

from respllm.batching.balancing import balanced_weights, class_priors, implied_priors
from respllm.batching.batch import Batch
from respllm.batching.batchable import Batchable, LabelledBatch
from respllm.batching.collating import ExampleSet
from respllm.batching.features import FeatureBatch, FeatureSet, log_mel_rows, pooled_tokens
from respllm.batching.hard_dms import HARD_DMS_COLUMNS, hard_dms
from respllm.batching.mixing import length_sorted_batches, mixed_batches
from respllm.batching.preparing import Heard, hear
from respllm.batching.tokenizing import TextTokenizer

__all__ = [
    "HARD_DMS_COLUMNS",
    "Batch",
    "Batchable",
    "ExampleSet",
    "FeatureBatch",
    "FeatureSet",
    "Heard",
    "LabelledBatch",
    "TextTokenizer",
    "balanced_weights",
    "class_priors",
    "hard_dms",
    "hear",
    "implied_priors",
    "length_sorted_batches",
    "log_mel_rows",
    "mixed_batches",
    "pooled_tokens",
]
