"""A run told to its readers: one HTML file and one Markdown file, findings first."""

from respllm.reports.build import build_report
from respllm.reports.document import Report
from respllm.reports.inputs import (
    BaselineDifference,
    Case,
    ComparisonTable,
    DataCount,
    LearningCurve,
    ReportInputs,
    RunFacts,
)
from respllm.reports.writing import write_report

__all__ = [
    "BaselineDifference",
    "Case",
    "ComparisonTable",
    "DataCount",
    "LearningCurve",
    "Report",
    "ReportInputs",
    "RunFacts",
    "build_report",
    "write_report",
]
