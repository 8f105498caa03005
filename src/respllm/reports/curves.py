"""Curves: ROC, precision-recall, reliability, net benefit and learning."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from respllm.evaluation.assessment import Calibration, Curve, DecisionCurve
from respllm.reports.document import Plot
from respllm.reports.figure import FIRST, INK, MUTED, SECOND, THIRD, canvas
from respllm.reports.formatting import number, with_interval
from respllm.reports.inputs import LearningCurve

_COLOURS = (FIRST, SECOND, THIRD, INK, MUTED)
_MOST_POINTS = 200


def roc_plot(key: str, task: str, curve: Curve, auroc: str) -> Plot:
    """The ROC curve with its band."""
    alt = f"ROC curve of {task}: AUROC {auroc}. Sensitivity {_told(curve, 'false positive rate')}."
    with canvas(key, alt, 3.1, 2.9) as drawing:
        axes = drawing.axes
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--")
        _curve(axes, curve)
        _unit_square(axes)
        axes.set_xlabel("1 − specificity")
        axes.set_ylabel("sensitivity")
    return Plot(f"{task}: ROC, AUROC {auroc}", alt, drawing.svg)


def precision_recall_plot(
    key: str, task: str, curve: Curve, prevalence: float | None, area: str
) -> Plot:
    """Precision against recall; the dashed line is what chance gives."""
    alt = (
        f"Precision-recall curve of {task}: average precision {area}, chance {number(prevalence)}. "
        f"Precision {_told(curve, 'recall')}."
    )
    with canvas(key, alt, 3.1, 2.9) as drawing:
        axes = drawing.axes
        if prevalence is not None:
            axes.axhline(prevalence, color=MUTED, linewidth=1, linestyle="--")
        _curve(axes, curve)
        _unit_square(axes)
        axes.set_xlabel("recall (sensitivity)")
        axes.set_ylabel("precision")
    return Plot(f"{task}: precision-recall, area {area}", alt, drawing.svg)


def reliability_plot(key: str, task: str, calibrations: Sequence[Calibration]) -> Plot:
    """Observed shares against predicted probabilities; the diagonal is perfect."""
    told = "; ".join(
        f"{one.name}: "
        + ", ".join(
            f"predicted {number(part.predicted, 2)}, observed {number(part.observed.value, 2)} "
            f"({part.units})"
            for part in one.bins
        )
        for one in calibrations
    )
    alt = f"Reliability diagram of {task}, units per bin in brackets. {told}."
    with canvas(key, alt, 3.1, 3.1) as drawing:
        axes = drawing.axes
        axes.plot([0, 1], [0, 1], color=MUTED, linewidth=1, linestyle="--")
        for one, colour in zip(calibrations, _COLOURS, strict=False):
            bins = [part for part in one.bins if part.observed.value is not None]
            for part in bins:
                if part.observed.low is not None:
                    axes.plot(
                        [part.predicted] * 2,
                        [part.observed.low, part.observed.high],
                        color=colour,
                        linewidth=1,
                        alpha=0.6,
                    )
            axes.plot(
                [part.predicted for part in bins],
                [part.observed.value for part in bins],
                "o-",
                color=colour,
                markersize=4,
                linewidth=1.5,
                label=one.name,
            )
        _unit_square(axes)
        axes.set_xlabel("predicted probability")
        axes.set_ylabel("observed share")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, handlelength=1)
    return Plot(f"{task}: reliability", alt, drawing.svg)


def decision_plot(key: str, task: str, curve: DecisionCurve) -> Plot:
    """Net benefit against the threshold probability."""
    rows = list(zip(curve.thresholds, curve.model, curve.act_on_all, strict=True))
    chosen = rows[:: max(1, len(rows) // 5)]
    told = "; ".join(
        f"at {number(at, 2)} the model {number(own)}, acting on all {number(everybody)}"
        for at, own, everybody in chosen
    )
    alt = f"Decision curve of {task}: net benefit by threshold probability. {told}."
    with canvas(key, alt, 3.1, 2.9) as drawing:
        axes = drawing.axes
        axes.axhline(0, color=MUTED, linewidth=1.5, label="act on nobody")
        axes.plot(curve.thresholds, curve.act_on_all, color=SECOND, linestyle="--", label="on all")
        axes.plot(curve.thresholds, curve.model, color=FIRST, linewidth=2, label="on the model")
        top = max([*curve.model, *curve.act_on_all, 0.05])
        axes.set_ylim(-0.3 * top, 1.1 * top)
        axes.set_xlabel("threshold probability")
        axes.set_ylabel("net benefit")
        axes.legend(loc="upper right", handlelength=1.5)
    return Plot(f"{task}: net benefit", alt, drawing.svg)


def learning_plot(key: str, task: str, curves: Sequence[LearningCurve]) -> Plot:
    """AUROC against the number of training subjects."""
    told = "; ".join(
        f"{one.model}: "
        + ", ".join(
            f"{number(value)} with {count}"
            for count, value in zip(one.subjects, one.mean, strict=True)
        )
        for one in curves
    )
    name = "mean over tasks" if task == "mean" else task
    alt = f"Learning curve, {name}: AUROC by training subjects. {told}."
    with canvas(key, alt, 3.6, 2.8) as drawing:
        axes = drawing.axes
        for one, colour in zip(curves, _COLOURS, strict=False):
            axes.plot(one.subjects, one.mean, "o-", color=colour, markersize=4, label=one.model)
            if one.low:
                axes.fill_between(one.subjects, one.low, one.high, color=colour, alpha=0.15, lw=0)
        ticks = sorted({count for one in curves for count in one.subjects})
        axes.set_xscale("log")
        axes.set_xticks(ticks, [str(count) for count in ticks])
        axes.minorticks_off()
        axes.axhline(0.5, color=MUTED, linewidth=1, linestyle="--")
        axes.set_xlabel("training subjects")
        axes.set_ylabel("AUROC")
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2, handlelength=1.5)
    return Plot(f"{name}: AUROC by training subjects", alt, drawing.svg)


def _curve(axes: Any, curve: Curve) -> None:
    keep = np.unique(
        np.linspace(0, len(curve.x) - 1, min(len(curve.x), _MOST_POINTS)).round().astype(int)
    )
    x, y = np.array(curve.x)[keep], np.array(curve.y)[keep]
    if curve.low:
        low, high = np.array(curve.low)[keep], np.array(curve.high)[keep]
        axes.fill_between(x, low, high, color=FIRST, alpha=0.18, lw=0)
    axes.plot(x, y, color=FIRST, linewidth=2)


def _told(curve: Curve, name: str) -> str:
    """The curve at a few places, in words."""
    places = []
    for at in (0.1, 0.25, 0.5, 0.75):
        row = int(np.abs(np.array(curve.x) - at).argmin())
        band = (curve.low[row], curve.high[row]) if curve.low else (None, None)
        places.append(f"{with_interval(curve.y[row], *band)} at {name} {number(curve.x[row], 2)}")
    return ", ".join(dict.fromkeys(places))


def _unit_square(axes: Any) -> None:
    axes.set_xlim(-0.02, 1.02)
    axes.set_ylim(-0.02, 1.02)
    axes.set_aspect("equal")
