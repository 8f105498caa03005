"""Attribution over audio tokens and words, as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from respllm.reports.document import Plot
from respllm.reports.figure import FIRST, MUTED, SECOND, canvas
from respllm.reports.formatting import number

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from respllm.audits.attribution import Attribution, AudioBand

MOST_WORDS = 20


def sound_plot(key: str, found: Attribution) -> Plot:
    """Mean absolute attribution along the clip, one line of bars per frequency band.

    Two bands are drawn back to back; more, above one another.
    """
    told = []
    for band in found.bands:
        most = band.values.index(max(band.values))
        told.append(
            f"{band.name}: largest {number(band.values[most])} at {most * band.seconds:.1f} s, "
            f"mean {number(sum(band.values) / len(band.values))}"
        )
    alt = f"Attribution over the sound, {found.task_id}: {'; '.join(told)}."
    with canvas(key, alt, 3.6, 2.4) as drawing:
        axes = drawing.axes
        if len(found.bands) > 2:
            largest = max(max(band.values) for band in found.bands) or 1.0
            for row, band in enumerate(found.bands):
                _bars(axes, band, [0.9 * value / largest for value in band.values], FIRST, row)
            axes.set_yticks(range(len(found.bands)), [_range(band) for band in found.bands])
            axes.set_ylabel(f"full line: {number(largest)} log-odds")
        else:
            for band, colour, sign in zip(found.bands, (FIRST, SECOND), (-1, 1), strict=False):
                upward = sign if len(found.bands) > 1 else 1
                _bars(axes, band, [upward * value for value in band.values], colour, 0)
            axes.axhline(0, color=MUTED, linewidth=1)
            axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
            axes.set_ylabel("log-odds")
            axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, handlelength=1)
        axes.set_xlabel("seconds from the beginning of the clip")
    return Plot(f"{found.task_id}: mean absolute attribution over the sound", alt, drawing.svg)


def _bars(axes: Axes, band: AudioBand, heights: list[float], colour: str, bottom: int) -> None:
    axes.bar(
        [i * band.seconds for i in range(len(heights))],
        heights,
        width=0.9 * band.seconds,
        bottom=bottom,
        align="edge",
        color=colour,
        label=band.name,
    )


def _range(band: AudioBand) -> str:
    return f"{band.low_hz:.0f}–{band.high_hz:.0f} Hz"


def word_plot(key: str, found: Attribution) -> Plot:
    """Mean signed attribution of the words that matter most."""
    words = found.words[:MOST_WORDS]
    told = ", ".join(f"{word.word} ({word.part}) {number(word.mean)}" for word in words)
    alt = f"Attribution of words, {found.task_id}, above 0 speaks for answer 1: {told}."
    with canvas(key, alt, 3.6, 0.9 + 0.24 * len(words)) as drawing:
        axes = drawing.axes
        for part, colour in (("DMS", FIRST), ("prompt", SECOND)):
            lines = [i for i, word in enumerate(words) if word.part == part]
            if lines:
                axes.barh(lines, [words[i].mean for i in lines], color=colour, label=part)
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.set_yticks(range(len(words)), [word.word[:18] for word in words])
        axes.set_ylim(len(words) - 0.4, -0.6)
        axes.tick_params(axis="y", length=0)
        axes.locator_params(axis="x", nbins=4)
        axes.set_xlabel("mean attribution, log-odds of answer 1")
        axes.legend(loc="lower center", bbox_to_anchor=(0.4, 1), ncols=2, handlelength=1)
    return Plot(f"{found.task_id}: mean attribution of words", alt, drawing.svg)
