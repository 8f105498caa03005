"""Scores, intervals and the table they end in. No tensors here."""

from respllm.evaluation.auroc import auroc_score
from respllm.evaluation.gathering import Gathered, ScoredClip, choose_unit, gather
from respllm.evaluation.paper import PaperCounts, paper_auroc, paper_counts
from respllm.evaluation.table import DISCLAIMER, ResultRow, rows_to_frame, rows_to_markdown
from respllm.evaluation.trivial import trivial_scores

__all__ = [
    "DISCLAIMER",
    "Gathered",
    "PaperCounts",
    "ResultRow",
    "ScoredClip",
    "auroc_score",
    "choose_unit",
    "gather",
    "paper_auroc",
    "paper_counts",
    "rows_to_frame",
    "rows_to_markdown",
    "trivial_scores",
]
