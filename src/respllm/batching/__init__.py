"""Tokenise, weigh, mix and collate."""

from respllm.batching.balancing import balanced_weights, class_priors, implied_priors
from respllm.batching.batch import Batch
from respllm.batching.batchable import Batchable, LabelledBatch
from respllm.batching.collating import ExampleSet
from respllm.batching.features import FeatureBatch, FeatureSet, log_mel_rows, pooled_tokens
from respllm.batching.hard_dms import HARD_DMS_COLUMNS, hard_dms
from respllm.batching.mixing import alike_batches, mixed_batches
from respllm.batching.packing import AttentionGroup, Packing, pack
from respllm.batching.prefetching import ahead
from respllm.batching.preparing import Heard, hear
from respllm.batching.tokenizing import TextTokenizer, cut_note

__all__ = [
    "HARD_DMS_COLUMNS",
    "AttentionGroup",
    "Batch",
    "Batchable",
    "ExampleSet",
    "FeatureBatch",
    "FeatureSet",
    "Heard",
    "LabelledBatch",
    "Packing",
    "TextTokenizer",
    "ahead",
    "alike_batches",
    "balanced_weights",
    "class_priors",
    "cut_note",
    "hard_dms",
    "hear",
    "implied_priors",
    "log_mel_rows",
    "mixed_batches",
    "pack",
    "pooled_tokens",
]
