"""Attribution over audio tokens and words, as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

from respllm.reports.document import Plot
from respllm.reports.figure import FIRST, MUTED, SECOND, canvas
from respllm.reports.formatting import number

if TYPE_CHECKING:
    from respllm.audits.attribution import Attribution

MOST_WORDS = 20


def sound_plot(key: str, found: Attribution) -> Plot:
    """Mean absolute attribution along the clip, one line of bars per frequency band."""
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
        for band, colour, sign in zip(found.bands, (FIRST, SECOND), (-1, 1), strict=False):
            upward = sign if len(found.bands) > 1 else 1
            axes.bar(
                [i * band.seconds for i in range(len(band.values))],
                [upward * value for value in band.values],
                width=0.9 * band.seconds,
                align="edge",
                color=colour,
                label=band.name,
            )
        axes.axhline(0, color=MUTED, linewidth=1)
        axes.yaxis.set_major_formatter(lambda value, _: f"{abs(value):g}")
        axes.set_xlabel("seconds from the beginning of the clip")
        axes.set_ylabel("log-odds")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, handlelength=1)
    return Plot(f"{found.task_id}: mean absolute attribution over the sound", alt, drawing.svg)


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
