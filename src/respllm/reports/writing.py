"""A report's two files."""

from __future__ import annotations

from pathlib import Path

from respllm.reports.document import Report
from respllm.reports.html import report_html
from respllm.reports.markdown import report_markdown
from respllm.training.run_folder import write_text

HTML = "report.html"
MARKDOWN = "report.md"


def write_report(report: Report, folder: Path) -> tuple[Path, Path]:
    """Write `report.html` and `report.md` into `folder`; older ones are replaced whole.

    Returns:
        Their paths.
    """
    html, markdown = folder / HTML, folder / MARKDOWN
    write_text(html, report_html(report))
    write_text(markdown, report_markdown(report))
    return html, markdown
