"""A report as one Markdown file: the same words and tables, pictures told in words."""

from __future__ import annotations

import re
from collections.abc import Iterable

from respllm.reports.document import (
    Block,
    Bullets,
    Card,
    Caution,
    Code,
    Missing,
    Plot,
    Plots,
    Report,
    Table,
    Text,
)
from respllm.reports.findings import RULES, Findings

_LOUD = {"problem": "**Problem:** ", "not checked": "**Not checked:** ", "note": "", "fine": ""}


def report_markdown(report: Report) -> str:
    """Render a report; words that would be markup are made inert."""
    lines = [f"# {_inert(report.title)}", ""]
    for text in report.banner:
        lines += [f"> **{_inert(text)}**", ""]
    lines += _findings(report.findings)
    for section in report.sections:
        lines += [f"## {_inert(section.title)}", ""]
        for block in section.blocks:
            lines += [*_block(block), ""]
    return "\n".join(lines).rstrip() + "\n"


def _findings(found: Findings) -> Iterable[str]:
    yield "## In one minute"
    yield ""
    yield f"**Bottom line: {found.believe}** (about {_inert(found.about)})."
    yield ""
    yield from _items(found.reasons)
    for statement in found.statements:
        yield f"- {_LOUD[statement.verdict]}{_inert(statement.text)}"
    yield ""
    rows = tuple(
        (task.task_id, task.auroc, task.support, "; ".join(task.reasons)) for task in found.tasks
    )
    yield from _table(Table("Task by task", ("Task", "AUROC", "Support", "Why"), rows, RULES))
    yield ""


def _block(block: Block) -> Iterable[str]:
    match block:
        case Text(text):
            yield _inert(text)
        case Missing(text):
            yield f"*Missing:* {_inert(text)}"
        case Caution(text):
            yield f"**Problem:** {_inert(text)}"
        case Bullets(items):
            yield from (f"- {_inert(item)}" for item in items)
        case Table():
            yield from _table(block)
        case Plot(alt=alt):
            yield f"Figure (in the HTML file): {_inert(alt)}"
        case Plots(plots):
            for plot in plots:
                yield f"- Figure (in the HTML file): {_inert(plot.alt)}"
        case Code(lines):
            # Indented, so that no line can end the block.
            yield from (f"    {' '.join(line.split())}" for line in lines)
        case Card(text):
            text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
            yield from (f"> {_below(line)}" for line in text.strip().splitlines())


def _below(line: str) -> str:
    """A line of a card: headings two levels further down, no tag, no picture from elsewhere."""
    line = line.replace("<", "&lt;").replace("![", "!\\[")
    return f"##{line}" if re.match(r"#{1,4} ", line) else line


def _items(items: Iterable[str]) -> Iterable[str]:
    found = [f"- {_inert(item)}" for item in items]
    return [*found, ""] if found else []


def _table(table: Table) -> Iterable[str]:
    yield f"**{_inert(table.caption)}**"
    yield ""
    yield _line(table.header)
    yield _line(["---"] * len(table.header))
    yield from (_line([_inert(cell) for cell in row]) for row in table.rows)
    for note in table.notes:
        yield ""
        yield _inert(note)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _inert(text: str) -> str:
    """Plain words on one line: no tags, links, emphasis, code or further table cells."""
    text = " ".join(text.split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]|#])", r"\\\1", text)
