"""A finished comparison as Markdown and as a data frame."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from respllm.comparisons.tabulating import NO_ANSWER, Cell, ComparisonResult, ModelRow
from respllm.evaluation import DISCLAIMER
from respllm.evaluation.differences import Difference

if TYPE_CHECKING:
    import pandas as pd


def cell_lines(cell: Cell) -> list[str]:
    """AUROC; its interval; the paper's figure. "–" where there is no answer."""
    score = cell.score
    if score is None or score.value is None:
        lines = ["–"]
    else:
        lines = [f"{score.value:.3f}", f"{score.low:.3f} to {score.high:.3f}"]
    if cell.paper is not None:
        lines.append(f"paper {cell.paper:.4f}")
    return lines


def columns_of(result: ComparisonResult) -> tuple[str, ...]:
    """The tasks, and the mean over those that it is of; a single task has none."""
    count = len(result.averaged)
    return (*result.tasks, f"mean of {count}") if count > 1 else result.tasks


def cells_of(result: ComparisonResult, row: ModelRow) -> list[list[str]]:
    """The lines of each cell of a row of AUROCs, as many as `columns_of` names."""
    cells = [cell_lines(cell) for cell in row.cells]
    return [*cells, mean_lines(row)] if len(result.averaged) > 1 else cells


def leads_of(result: ComparisonResult, row: ModelRow) -> list[str]:
    """The reference's leads over a row, as many as `columns_of` names."""
    leads = [lead_text(cell.lead, cell.p_corrected) for cell in row.cells]
    mean = lead_text(row.mean_lead, row.mean_lead.p_value if row.mean_lead else None)
    return [*leads, mean] if len(result.averaged) > 1 else leads


def mean_lines(row: ModelRow) -> list[str]:
    """Our mean; the paper's printed average, and the mean of its columns where it differs."""
    lines = ["–" if row.mean is None else f"{row.mean:.3f}"]
    if row.paper.printed is not None:
        lines.append(f"paper {row.paper.printed:.4f}")
        columns = row.paper.of_columns
        if columns is not None and round(columns, 4) != round(row.paper.printed, 4):
            lines.append(f"its columns {columns:.4f}")
    return lines


def lead_text(lead: Difference | None, p_value: float | None = None) -> str:
    """The reference's lead with its interval; * where the (corrected) p-value is below 0.05."""
    if lead is None or lead.value is None or lead.low is None or lead.high is None:
        return "–"
    star = " *" if p_value is not None and p_value < 0.05 else ""
    return f"{lead.value:+.3f} ({lead.low:+.3f} to {lead.high:+.3f}){star}"


def comparison_markdown(result: ComparisonResult) -> str:
    """The table, the leads of the reference model, and what must be read beside them."""
    heading = f"# {'SIMULATED: ' if result.simulated else ''}{result.title}"
    table = [["Model", *columns_of(result)]]
    for row in result.rows:
        table.append([row.entry.title, *map(in_one_line, cells_of(result, row))])
    leads = [[f"{reference_title(result)} minus", *columns_of(result)]]
    for row in result.rows:
        if row.entry.name != result.reference and not row.not_run:
            leads.append([row.entry.title, *leads_of(result, row)])
    parts = [heading, "", *_table(table), ""]
    if len(leads) > 1:
        parts += ["## Paired differences", "", *_table(leads), ""]
    parts += ["", *(f"- {line}" for line in foot(result)), "", DISCLAIMER]
    return "\n".join(parts) + "\n"


def reference_title(result: ComparisonResult) -> str:
    """What tables call the model that leads are counted from."""
    return next(r.entry.title for r in result.rows if r.entry.name == result.reference)


def foot(result: ComparisonResult) -> list[str]:
    """How the numbers were made, and what must be read beside them."""
    scores = [cell.score for row in result.rows for cell in row.cells if cell.score is not None]
    leads = [cell.lead for row in result.rows for cell in row.cells if cell.lead is not None]
    lines = [
        f"Protocol {result.protocol}; {len(result.seeds)} seeds "
        f"({', '.join(map(str, result.seeds))}); every model has the same people, splits and seeds."
    ]
    lines += [f"Interval: 95%, {method}." for method in sorted({s.method for s in scores})]
    lines += [f"Difference: 95%, {method}." for method in sorted({d.method for d in leads})]
    if leads:
        lines.append(
            "*: p below 0.05; for tasks after Holm's correction over those of the row, for the "
            "mean as it is."
        )
        apart = _apart(result)
        if apart:
            lines.append(f"A second method (bootstrap of people) disagrees on: {', '.join(apart)}.")
    if any(cell.sources for row in result.rows for cell in row.cells if cell.sources[1:]):
        lines.append("Where several source models answer a task, their AUROCs are averaged.")
    if len(result.averaged) > 1 and result.averaged != result.tasks:
        names = ", ".join(result.averaged)
        lines.append(f"Mean over the tasks that every trained model answers: {names}.")
    lines += [f"{row.entry.title} was not run: {row.not_run}" for row in result.rows if row.not_run]
    lines += dict.fromkeys(
        f"{row.entry.title} on {cell.task_id}: {note}"
        for row in result.rows
        for cell in row.cells
        if not row.not_run
        and (note := cell.score.note if cell.score else cell.note)
        and note != NO_ANSWER
    )
    for task_id in result.tasks:
        silent = [
            row.entry.title
            for row in result.rows
            for cell in row.cells
            if cell.task_id == task_id and cell.note == NO_ANSWER
        ]
        if silent:
            lines.append(f"No answer to {task_id}: {', '.join(silent)}.")
    if any(cell.paper is not None for row in result.rows for cell in row.cells):
        lines.append("Paper: as printed, from one run on the full real datasets.")
    if result.simulated:
        lines.append("SIMULATED: everyone here is made up; nothing is said about patients.")
    return [*lines, *result.notes]


def comparison_frame(result: ComparisonResult) -> pd.DataFrame:
    """One line a model and task, numbers unrounded, undefined ones missing."""
    import pandas as pd

    return pd.DataFrame([_flat(row, cell) for row in result.rows for cell in row.cells])


def _apart(result: ComparisonResult) -> list[str]:
    """Where one of the two intervals of a difference excludes 0 and the other does not."""
    return [
        f"{row.entry.title} {cell.task_id}"
        for row in result.rows
        for cell in row.cells
        if (lead := cell.lead) is not None
        and _excludes_zero(lead.low, lead.high) != _excludes_zero(lead.check_low, lead.check_high)
    ]


def _excludes_zero(low: float | None, high: float | None) -> bool:
    return low is not None and high is not None and (low > 0 or high < 0)


def _flat(row: ModelRow, cell: Cell) -> dict[str, object]:
    score, lead = cell.score, cell.lead
    return {
        "model": row.entry.name,
        "task": cell.task_id,
        "sources": "+".join(cell.sources),
        "auroc": score.value if score else None,
        "low": score.low if score else None,
        "high": score.high if score else None,
        "sd_over_seeds": score.run_sd if score else None,
        "subjects": score.n_subjects if score else None,
        "positive_subjects": score.n_positive if score else None,
        "negative_subjects": score.n_negative if score else None,
        "unit": score.unit if score else None,
        "paper": cell.paper,
        "lead": lead.value if lead else None,
        "lead_low": lead.low if lead else None,
        "lead_high": lead.high if lead else None,
        "lead_p": lead.p_value if lead else None,
        "lead_p_holm": cell.p_corrected,
        "lead_check_low": lead.check_low if lead else None,
        "lead_check_high": lead.check_high if lead else None,
        "note": row.not_run or (score.note if score else cell.note),
    }


def in_one_line(lines: Sequence[str]) -> str:
    """A cell's lines as one, all but the first in brackets."""
    return " ".join([lines[0], *(f"({line})" for line in lines[1:])])


def _table(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    for number, cells in enumerate(rows):
        inert = (" ".join(cell.split()).replace("|", "\\|") for cell in cells)
        yield f"| {' | '.join(inert)} |"
        if number == 0:
            yield f"|{' --- |' * len(cells)}"
