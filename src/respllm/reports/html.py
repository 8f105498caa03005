"""A report as one HTML file that needs nothing else."""

from __future__ import annotations

import re

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markupsafe import Markup

from respllm.reports.document import Report
from respllm.reports.findings import RULES


def report_html(report: Report) -> str:
    """Render a report; whatever is not drawn by us is escaped."""
    environment = Environment(
        loader=PackageLoader("respllm.reports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["card"] = card_html
    environment.filters["drawing"] = Markup  # our own SVG, whose texts matplotlib escaped
    return environment.get_template("report.html").render(report=report, rules=RULES)


def card_html(text: str) -> Markup:
    """A Markdown text as HTML: no raw HTML, no picture or link; headings below the page's."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.disable(["image", "link", "autolink", "html_block", "html_inline"])
    tokens = reader.parse(text)
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{min(6, int(token.tag[1]) + 2)}"
    return Markup(reader.renderer.render(tokens, reader.options, {}))
