"""The methods paragraph: which interval, which calibration, which correction."""

from __future__ import annotations

from collections.abc import Iterable

from respllm.reports.document import Section, Text
from respllm.reports.findings import RULES
from respllm.reports.formatting import listed
from respllm.reports.inputs import ReportInputs


def methods_section(inputs: ReportInputs) -> Section:
    """Written from what the numbers themselves say about how they were made."""
    return Section(
        "methods", "Methods", (Text(" ".join(_sentences(inputs))), Text(" ".join(RULES)))
    )


def _sentences(inputs: ReportInputs) -> Iterable[str]:
    yield f"Protocol: {inputs.protocol}."
    if inputs.rows:
        methods = sorted({row.score.method for row in inputs.rows if row.score.method})
        units = sorted({row.score.unit for row in inputs.rows})
        if methods:
            yield f"Intervals of AUROCs are 95% intervals by {listed(methods)}."
        yield f"One score belongs to a {' or '.join(units)}; intervals count people."
    if inputs.assessments:
        names = dict.fromkeys(c.name for one in inputs.assessments for c in one.calibrations)
        rules = dict.fromkeys(p.rule for one in inputs.assessments for p in one.operating_points)
        if names:
            yield f"Probabilities were assessed {listed(list(names))}."
        if rules:
            yield f"Thresholds: {listed(list(rules))}."
        if any(one.conformal for one in inputs.assessments):
            yield "Conformal sets are class-conditional split conformal sets."
        yield "Whatever is fitted was fitted on validation people of the same task."
    if inputs.differences:
        methods = sorted({one.difference.method for one in inputs.differences})
        checks = sorted({one.difference.check_method for one in inputs.differences})
        yield (
            f"Differences between models are paired by subject ({listed(methods)}; second method: "
            f"{listed(checks)}). Their p-values stand as computed; the comparison tables say where "
            "they are corrected over tasks."
        )
    if inputs.audit is not None and inputs.audit.shortcuts:
        yield (
            "Shortcut p-values are from permutations by subject, corrected over properties and "
            "tasks."
        )
    yield "One value alone is scored in a direction fixed beforehand, not turned to fit."
