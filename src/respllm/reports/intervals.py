"""Values with intervals below each other: forest plots and bars of losses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from respllm.reports.document import Plot
from respllm.reports.figure import FIRST, INK, MUTED, PAPER, SECOND, THIRD, canvas
from respllm.reports.formatting import with_interval


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """One line of the plot.

    Attributes:
        label: at its left.
        value, low, high: None draws nothing, and the label says "undefined".
        hollow: a mark without filling, for what must be read with care.
        second: the second colour.
        others: further marks on the line, (series name, value).
    """

    label: str
    value: float | None
    low: float | None
    high: float | None
    hollow: bool = False
    second: bool = False
    others: tuple[tuple[str, float], ...] = ()


def interval_plot(
    key: str,
    title: str,
    rows: Sequence[IntervalRow],
    *,
    axis: str,
    reference: float,
    reference_name: str,
    limits: tuple[float, float] | None = None,
) -> Plot:
    """Draw values with their 95% intervals.

    Args:
        axis: what is measured.
        reference: where a line is drawn ("chance", "no loss").
        limits: of the axis; None fits the values.
    """
    told = "; ".join(f"{row.label} {with_interval(row.value, row.low, row.high)}" for row in rows)
    alt = f"{title}. {axis}, the line at {reference:g} is {reference_name}. {told}."
    names = list(dict.fromkeys(name for row in rows for name, _ in row.others))
    height = 0.9 + 0.27 * len(rows) + (0.3 if names else 0)
    with canvas(key, alt, height=height) as drawing:
        axes = drawing.axes
        axes.axvline(reference, color=MUTED, linewidth=1, linestyle="--", zorder=0)
        for line, row in enumerate(rows):
            colour = SECOND if row.second else FIRST
            if row.value is None:
                continue
            if row.low is not None and row.high is not None:
                axes.plot([row.low, row.high], [line, line], color=colour, linewidth=2)
            filling = PAPER if row.hollow else colour
            axes.plot([row.value], [line], "o", color=colour, markerfacecolor=filling, markersize=6)
        for name, marker, colour in zip(
            names, "|xd+*", (INK, THIRD, SECOND, MUTED, INK), strict=False
        ):
            points = [
                (value, line)
                for line, row in enumerate(rows)
                for other, value in row.others
                if other == name
            ]
            axes.plot(
                [x for x, _ in points],
                [y for _, y in points],
                linestyle="none",
                marker=marker,
                color=colour,
                markersize=8,
                markeredgewidth=2,
                label=name,
            )
        if names:
            axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=2, borderaxespad=0)
        axes.set_yticks(range(len(rows)), [_label(row) for row in rows])
        axes.set_ylim(len(rows) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.set_xlabel(axis)
        if limits is not None:
            axes.set_xlim(*limits)
    return Plot(title, alt, drawing.svg)


def _label(row: IntervalRow) -> str:
    short = row.label if len(row.label) <= 30 else row.label[:29] + "…"
    return f"{short} (undefined)" if row.value is None else short
