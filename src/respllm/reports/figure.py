"""Matplotlib figures as SVG that lives inside a page and follows its colours."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from markupsafe import escape

INK = "#0a0b01"
MUTED = "#0a0b02"
FIRST = "#0a0b03"
SECOND = "#0a0b04"
THIRD = "#0a0b05"
PAPER = "#0a0b06"
_VARIABLES = {
    INK: "ink",
    MUTED: "muted",
    FIRST: "first",
    SECOND: "second",
    THIRD: "third",
    PAPER: "paper",
}
"""Colours that stand for the page's CSS variables, so that one drawing fits light and dark."""

_STYLE = {
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 10,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "svg.fonttype": "none",  # letters stay letters: searchable and small
    "svg.hashsalt": "respllm",
    "text.color": INK,
    # A task may be called "$x": words are not formulas.
    "text.parse_math": False,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
}


class Canvas:
    """A figure being drawn.

    Attributes:
        axes: to draw on.
        svg: the finished picture, once the `with` block is left.
    """

    def __init__(self, axes: Any) -> None:
        self.axes = axes
        self.svg = ""


@contextmanager
def canvas(key: str, alt: str, width: float = 4.4, height: float = 3.4) -> Iterator[Canvas]:
    """Draw one picture.

    Args:
        key: unique in the page; letters, digits and dashes.
        alt: what it shows.
        width, height: inches. Letters keep 10 pt, so narrow pictures stay readable on a phone.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height))
        FigureCanvasSVG(figure)
        drawing = Canvas(figure.subplots())
        yield drawing
        drawing.svg = _embedded(_plain_svg(figure), key, alt)


def _plain_svg(figure: Any) -> str:
    from io import StringIO

    target = StringIO()
    figure.savefig(
        target, format="svg", bbox_inches="tight", pad_inches=0.05, metadata={"Date": None}
    )
    return target.getvalue()


def _embedded(svg: str, key: str, alt: str) -> str:
    """Only the drawing: no prologue, no metadata, ids of its own, the page's colours."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r"<!--.*?-->", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="([^"]+)"', rf'id="{key}-\1"', svg)
    svg = re.sub(r'xlink:href="#([^"]+)"', rf'href="#{key}-\1"', svg)
    svg = re.sub(r"url\(#([^)]+)\)", rf"url(#{key}-\1)", svg)
    for colour, name in _VARIABLES.items():
        svg = svg.replace(colour, f"var(--{name})")
    view = re.search(r'viewBox="[\d. -]+"', svg)
    width = re.search(r'width="([\d.]+)pt"', svg)
    assert view is not None
    assert width is not None, "matplotlib's SVG has both"
    head = (
        f'<svg class="drawing" style="max-width:{float(width[1]):.0f}pt" {view[0]} role="img" '
        f'aria-labelledby="{key}-alt"><title id="{key}-alt">{escape(alt)}</title>'
    )
    return head + re.sub(r"^<svg[^>]*>", "", svg).strip()
