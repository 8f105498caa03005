"""Many models on the same people: baselines, ablations, controls, and the paper's tables."""

from respllm.comparisons.collecting import collect, collect_curve
from respllm.comparisons.entries import BASELINE_NAMES, ENTRIES, Entry
from respllm.comparisons.learning_curve import learning_curve
from respllm.comparisons.rendering import (
    cell_lines,
    cells_of,
    columns_of,
    comparison_frame,
    comparison_markdown,
    foot,
    in_one_line,
    leads_of,
    mean_lines,
    reference_title,
)
from respllm.comparisons.study import Study
from respllm.comparisons.tables import TABLES, everything, paper_table
from respllm.comparisons.tabulating import Cell, ComparisonResult, ModelRow

__all__ = [
    "BASELINE_NAMES",
    "ENTRIES",
    "TABLES",
    "Cell",
    "ComparisonResult",
    "Entry",
    "ModelRow",
    "Study",
    "cell_lines",
    "cells_of",
    "collect",
    "collect_curve",
    "columns_of",
    "comparison_frame",
    "comparison_markdown",
    "everything",
    "foot",
    "in_one_line",
    "leads_of",
    "learning_curve",
    "mean_lines",
    "paper_table",
    "reference_title",
]
