"""Scores, intervals and the table they end in. No tensors here."""

from respllm.evaluation.assess import assess
from respllm.evaluation.assessment import Assessment
from respllm.evaluation.auroc import auroc_score, mean_auroc
from respllm.evaluation.calibrator import Calibrator, fit_calibration
from respllm.evaluation.differences import Difference, mean_difference, paired_difference
from respllm.evaluation.gathering import Gathered, ScoredClip, choose_unit, gather
from respllm.evaluation.multiplicity import holm
from respllm.evaluation.paper import PaperCounts, paper_auroc, paper_counts
from respllm.evaluation.result_file import read_rows, write_rows
from respllm.evaluation.score_file import ScoreRow, read_scores, write_scores
from respllm.evaluation.table import DISCLAIMER, ResultRow, rows_to_frame, rows_to_markdown
from respllm.evaluation.trivial import trivial_scores
from respllm.evaluation.units import ScoredUnits, scored_units

__all__ = [
    "DISCLAIMER",
    "Assessment",
    "Calibrator",
    "Difference",
    "Gathered",
    "PaperCounts",
    "ResultRow",
    "ScoreRow",
    "ScoredClip",
    "ScoredUnits",
    "assess",
    "auroc_score",
    "choose_unit",
    "fit_calibration",
    "gather",
    "holm",
    "mean_auroc",
    "mean_difference",
    "paired_difference",
    "paper_auroc",
    "paper_counts",
    "read_rows",
    "read_scores",
    "rows_to_frame",
    "rows_to_markdown",
    "scored_units",
    "trivial_scores",
    "write_rows",
    "write_scores",
]
